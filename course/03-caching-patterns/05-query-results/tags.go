package seeds

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/redis-grind/grind/internal/unit"
)

// tagging mixes visits to the pages of all months with packets that are given out, and
// compares two sizes of tags.
func tagging(ctx context.Context, r *unit.Run, all []*library) error {
	visits, writes := r.Int("visits"), r.Int("writes")
	r.Step("%d visits to the pages of a year, and %d packets given out per 100 visits.", visits, writes)
	table := unit.Table{Title: fmt.Sprintf("%d visits, %d packets given out per 100", visits, writes), Columns: []string{"tags of a page", "hits", "queries"}}
	l := all[0]
	for _, w := range []struct {
		name, label string
		tags        func(month int) []string // of a page
		forget      func(month int) string   // for a packet of this month
		tone        unit.Tone
	}{
		{"table", "its tables", func(int) []string { return ofBoth }, func(int) string { return "packets" }, unit.Plain},
		{"month", "its tables, and packets of the month", func(month int) []string {
			return []string{"varieties", packetsOf(month)}
		}, packetsOf, unit.Good},
	} {
		a, err := newAnswers(r.Redis(), r.Space("tags-"+w.name), l)
		if err != nil {
			return err
		}
		l.asked.Store(0)
		chance := rand.New(rand.NewPCG(3, 5)) // both get the same visits
		for i := range visits {
			month := chance.IntN(months) + 1
			if _, err := a.ask(ctx, w.tags(month), sowInWithPackets, month); err != nil {
				return err
			}
			if (i+1)*writes/100 > i*writes/100 {
				if err := giveOneOut(ctx, a, chance.IntN(12)+1, w.forget); err != nil {
					return err
				}
			}
		}
		hits := 100 * float64(a.Stats().Hits) / float64(visits)
		table.Rows = append(table.Rows, []string{w.label, unit.Figure(hits, "%"), fmt.Sprint(l.asked.Load())})
		r.Metric(unit.Metric{Name: "hits_" + w.name, Label: "hits, tags of a page: " + w.label, Value: hits, Unit: "%", Tone: w.tone})
	}
	r.Table(table)
	return nil
}

func packetsOf(month int) string { return fmt.Sprintf("packets of month %d", month) }

// giveOneOut gives out a packet to be sown in this month.
func giveOneOut(ctx context.Context, a *answers, month int, tag func(month int) string) error {
	const one = `UPDATE packets SET seeds = seeds - 1 WHERE id =
		(SELECT min(p.id) FROM packets p JOIN varieties v ON v.id = p.variety WHERE v.sow = $1 AND p.seeds > 0)`
	if _, err := a.l.ExecContext(ctx, one, month); err != nil {
		return err
	}
	return a.InvalidateTag(ctx, tag(month))
}
