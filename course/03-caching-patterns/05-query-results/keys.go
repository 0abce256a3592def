package seeds

import (
	"context"
	"fmt"
	"reflect"

	"github.com/redis-grind/grind/internal/unit"
)

// question is a text with its arguments.
type question struct {
	text string
	args []any
}

const byNameAndGiver = `SELECT id, sow FROM varieties WHERE name = $1 AND giver = $2`

// questions are the twelve pages of a year, and two searches.
func questions() (all []question) {
	for month := range months {
		all = append(all, question{sowInWithPackets, []any{month + 1}})
	}
	return append(all,
		question{byNameAndGiver, []any{"Early Purple", "Rose"}},
		question{byNameAndGiver, []any{"Early", "Purple Rose"}})
}

// naming asks all questions over an empty cache, by three ways to name them, and
// counts the visitors who were given another's answer.
func naming(ctx context.Context, r *unit.Run, all []*library) error {
	l, asked := all[0], questions()
	r.Step("%d visitors ask %d different questions, under three ways to make a key.", len(asked), len(asked))
	if _, err := l.ExecContext(ctx, `INSERT INTO varieties (id, name, giver, sow) VALUES (-1, 'Early Purple', 'Rose', 4), (-2, 'Early', 'Purple Rose', 5)`); err != nil {
		return err
	}
	table := unit.Table{Title: fmt.Sprintf("%d different questions", len(asked)), Columns: []string{"the key is made of", "entries", "visitors with another's answer"}}
	for _, way := range []struct {
		name, label string
		keyOf       func(text string, args ...any) string
		tone        unit.Tone
	}{
		{"text", "the SQL", keyOfText, unit.Bad},
		{"joined", "the SQL, and the arguments joined by spaces", keyOfJoined, unit.Bad},
		{"typed", "the SQL, and each argument with type and length", keyOf, unit.Good},
	} {
		a, err := newAnswers(r.Redis(), r.Space("named-"+way.name), l)
		if err != nil {
			return err
		}
		a.keyOf = way.keyOf
		wrong := 0
		for _, q := range asked {
			told, err := a.ask(ctx, ofBoth, q.text, q.args...)
			if err != nil {
				return err
			}
			is, err := l.ask(ctx, nil, q.text, q.args...)
			if err != nil {
				return err
			}
			if !reflect.DeepEqual(told, is) {
				wrong++
			}
		}
		table.Rows = append(table.Rows, []string{way.label, fmt.Sprint(a.Stats().Stored), fmt.Sprint(wrong)})
		r.Metric(unit.Metric{Name: "wrong_" + way.name, Label: "visitors with another's answer, the key is " + way.label, Value: float64(wrong), Tone: way.tone, Minor: true})
	}
	r.Table(table)
	return nil
}
