package formats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/codec"
)

// meeting is a change of the schema, and the old program meeting a value of the new
// one.
type meeting struct {
	change string
	// read has the old program read what the new one wrote, and returns a field as it
	// sees it. want is what the field means.
	read func(enveloped bool) (got string, err error)
	want string
}

// written writes with the new program's codec and reads with the old one's, with a
// version in front or without.
func written[Old, New any](v New, enveloped bool, field func(Old) string) (string, error) {
	old, today := codec.JSON[Old](), codec.JSON[New]()
	if enveloped {
		old, today = codec.Versioned(old, 1), codec.Versioned(today, 2)
	}
	data, err := today.Encode("bike", v)
	if err != nil {
		return "", err
	}
	seen, err := old.Decode("bike", data)
	return field(seen), err
}

// The schemas that meet.
type (
	percent struct {
		Battery int `json:"battery"`
	}
	permille struct {
		Battery int `json:"battery"` // per mille, since March
	}
	named struct {
		Station string `json:"station"`
	}
	renamed struct {
		Dock string `json:"dock"`
	}
	number struct {
		Lock int `json:"lock"`
	}
	text struct {
		Lock string `json:"lock"`
	}
	yes struct {
		Rentable bool `json:"rentable"`
	}
	turned struct {
		Blocked bool `json:"blocked"`
	}
)

var changes = []meeting{
	{"a field is added", func(e bool) (string, error) {
		return written(bike(3), e, func(b oldBike) string { return b.Station })
	}, bike(3).Station},
	{"a field gets another name", func(e bool) (string, error) {
		return written(renamed{"Harbour East"}, e, func(b named) string { return b.Station })
	}, "Harbour East"},
	{"a number becomes a text", func(e bool) (string, error) {
		return written(text{"0042"}, e, func(b number) string { return fmt.Sprint(b.Lock) })
	}, "0042"},
	{"a unit changes: per cent to per mille", func(e bool) (string, error) {
		return written(permille{640}, e, func(b percent) string { return fmt.Sprintf("%d %%", b.Battery) })
	}, "64 %"},
	{"a meaning turns round", func(e bool) (string, error) {
		return written(turned{Blocked: false}, e, func(b yes) string { return fmt.Sprintf("rentable: %v", b.Rentable) })
	}, "rentable: true"},
}

// meetings has the old program read what the new one wrote.
func meetings(_ context.Context, r *unit.Run) error {
	r.Step("The new program writes, the old one reads: %d changes of the schema.", len(changes))
	table := unit.Table{Title: "What the old program understands", Columns: []string{"change", "it means", "plain JSON", "with a version in front"}}
	silent := map[bool]int{}
	for _, m := range changes {
		row := []string{m.change, m.want}
		for _, enveloped := range []bool{false, true} {
			got, err := m.read(enveloped)
			switch {
			case err != nil:
				row = append(row, "refused: "+reason(err))
			case got == m.want:
				row = append(row, got)
			default:
				silent[enveloped]++
				row = append(row, fmt.Sprintf("%q, in silence", got))
			}
		}
		table.Rows = append(table.Rows, row)
	}
	r.Table(table)
	r.Metric(unit.Metric{Name: "silent_plain", Label: "wrong in silence, plain", Value: float64(silent[false]), Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "silent_versioned", Label: "wrong in silence, with a version", Value: float64(silent[true]), Tone: unit.Good})
	return nil
}

// reason is why a value was not read, in a few words.
func reason(err error) string {
	switch {
	case errors.Is(err, codec.ErrNewer):
		return "a newer version"
	case isType(err):
		return "a text is no number"
	}
	return err.Error()
}

func isType(err error) bool {
	var wrong *json.UnmarshalTypeError
	return errors.As(err, &wrong)
}
