package notes

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// naming is how a name that a user chose gets into a key.
type naming struct {
	label, metric string
	name          func(string) string
}

// region: encode

// raw takes the name as it came.
func raw(name string) string { return name }

// encode leaves only letters, digits and -_.~ and writes the rest as %2A: what is
// left means nothing to a pattern, to a hash tag, or as a separator.
func encode(name string) string { return url.QueryEscape(name) }

// endregion

var namings = []naming{{"as it came", "raw", raw}, {"encoded", "encoded", encode}}

// region: close

// closeAccount deletes the notes of an owner, whose keys are note:<owner>:<id>.
func closeAccount(ctx context.Context, rdb redis.Cmdable, prefix, owner string) error {
	page := rdb.Scan(ctx, 0, prefix+"note:"+owner+":*", 100).Iterator()
	for page.Next(ctx) {
		if err := rdb.Unlink(ctx, page.Val()).Err(); err != nil {
			return err
		}
	}
	return page.Err()
}

// endregion

// closing lets * close the account, with the name as it came and encoded.
func closing(ctx context.Context, r *unit.Run, s *space) error {
	r.Step("Four people with 25 notes each: ada, bela, cleo, and one who signed up as *. That one closes the account.")
	table := unit.Table{Title: "Notes left when * has closed the account", Columns: []string{"name in the key", "pattern", "ada", "bela", "cleo", "*"}}
	for _, way := range namings {
		prefix := s.key(way.metric + ":")
		for _, owner := range []string{"ada", "bela", "cleo", "*"} {
			for i := range 25 {
				if err := s.rdb.HSet(ctx, s.key(fmt.Sprintf("%s:note:%s:%d", way.metric, way.name(owner), i)), "text", "…").Err(); err != nil {
					return err
				}
			}
		}
		if err := closeAccount(ctx, s.rdb, prefix, way.name("*")); err != nil {
			return err
		}
		row, lost := []string{way.label, "note:" + way.name("*") + ":*"}, 0
		for _, owner := range []string{"ada", "bela", "cleo", "*"} {
			left := int64(0)
			for i := range 25 {
				n, err := s.rdb.Exists(ctx, s.key(fmt.Sprintf("%s:note:%s:%d", way.metric, way.name(owner), i))).Result()
				if err != nil {
					return err
				}
				left += n
			}
			row = append(row, fmt.Sprint(left))
			if owner != "*" {
				lost += 25 - int(left)
			}
		}
		table.Rows = append(table.Rows, row)
		r.Metric(unit.Metric{Name: "lost_" + way.metric, Label: "notes of others lost, name " + way.label, Value: float64(lost), Tone: toneOf(lost)})
	}
	r.Table(table)
	return nil
}

// colliding saves two notes of two people, whose names meet at the separator.
func colliding(ctx context.Context, r *unit.Run, s *space) error {
	r.Step("ada writes note 1:2, and ada:1 writes note 2.")
	table := unit.Table{Title: "Two people, two notes", Columns: []string{"name in the key", "ada's note 1:2", "ada:1's note 2", "kept"}}
	for _, way := range namings {
		first := "both-" + way.metric + ":" + way.name("ada") + ":" + way.name("1:2")
		second := "both-" + way.metric + ":" + way.name("ada:1") + ":" + way.name("2")
		keys := map[string]bool{}
		for _, key := range []string{first, second} {
			if err := s.rdb.Set(ctx, s.key(key), "…", 0).Err(); err != nil {
				return err
			}
			keys[s.key(key)] = true
		}
		kept := int64(0)
		for key := range keys {
			n, err := s.rdb.Exists(ctx, key).Result()
			if err != nil {
				return err
			}
			kept += n
		}
		table.Rows = append(table.Rows, []string{way.label, strings.TrimPrefix(first, "both-"), strings.TrimPrefix(second, "both-"), fmt.Sprint(kept)})
		r.Metric(unit.Metric{Name: "kept_" + way.metric, Label: "of two notes kept, name " + way.label, Value: float64(kept), Minor: true})
	}
	r.Table(table)
	return nil
}

// slotting counts the slots of a cluster that a thousand keys use, when the people
// have put braces into their names.
func slotting(_ context.Context, r *unit.Run, _ *space) error {
	r.Step("A thousand people sign up as {x}1, {x}2, {x}3 and so on. In a cluster: how many of its 16,384 slots hold their keys?")
	chart := unit.Chart{Kind: unit.Bars, Title: "Slots that hold a thousand keys", Series: []unit.Series{{Name: "slots"}}}
	for _, way := range namings {
		slots := map[int]bool{}
		for i := range 1000 {
			slots[slot("profile:"+way.name(fmt.Sprintf("{x}%d", i)))] = true
		}
		r.Metric(unit.Metric{Name: "slots_" + way.metric, Label: "slots used, name " + way.label, Value: float64(len(slots)), Minor: true})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: way.label, Y: float64(len(slots))})
	}
	r.Chart(chart)
	return nil
}

func toneOf(bad int) unit.Tone {
	if bad > 0 {
		return unit.Bad
	}
	return unit.Good
}
