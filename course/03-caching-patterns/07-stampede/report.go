package stampede

import (
	"fmt"

	"github.com/redis-grind/grind/internal/unit"
)

// report shows which way helped against which load. Without timings there is the first
// load alone.
func report(r *unit.Run, first, second, third map[string]seen) {
	counts := unit.Chart{Kind: unit.Bars, Title: "Noon: how often the page was made", Unit: "times", Series: []unit.Series{{Name: "made"}}}
	waits := unit.Chart{Kind: unit.Bars, Title: "A hot page: readers who waited for a load", Unit: "%", Timing: true, Series: []unit.Series{{Name: "waited"}}}
	table := unit.Table{Title: "Which helps against what", Columns: []string{"", "cold page: loads"}}
	if second != nil {
		table.Columns = append(table.Columns, "p99 ms", "hot page: loads a refresh", "waited %", "p99 ms", "many pages: at once", "waited %", "p99 ms")
	}
	for _, w := range ways {
		a, b := first[w.name], second[w.name]
		c, apart := third[w.name]
		counts.Series[0].Points = append(counts.Series[0].Points, unit.Point{Label: w.label, Y: float64(a.loads)})
		row := []string{w.label, fmt.Sprint(a.loads)}
		r.Metric(unit.Metric{Name: "cold_" + w.name, Label: "loads of a cold page, " + w.label, Value: float64(a.loads), Minor: w.name != "none" && w.name != "lease"})
		table.Rows = append(table.Rows, row)
		if second == nil {
			continue
		}
		each := float64(b.loads) / float64(max(1, b.refreshes))
		table.Rows[len(table.Rows)-1] = append(row, ms(a.p99), fmt.Sprintf("%.1f", each), fmt.Sprintf("%.1f", b.waited), ms(b.p99))
		if apart {
			table.Rows[len(table.Rows)-1] = append(table.Rows[len(table.Rows)-1], fmt.Sprint(c.peak), fmt.Sprintf("%.1f", c.waited), ms(c.p99))
			r.Metric(unit.Metric{Name: "peak_" + w.name, Label: "at the origin at once, " + w.label, Value: float64(c.peak), Timing: true, Minor: true})
		} else {
			table.Rows[len(table.Rows)-1] = append(table.Rows[len(table.Rows)-1], "–", "–", "–")
		}
		waits.Series[0].Points = append(waits.Series[0].Points, unit.Point{Label: w.label, Y: b.waited})
		for _, m := range []unit.Metric{
			{Name: "hot_" + w.name, Label: "loads a refresh of a hot page, " + w.label, Value: each},
			{Name: "waited_" + w.name, Label: "readers of a hot page who waited, " + w.label, Value: b.waited, Unit: "%"},
			{Name: "p99_" + w.name, Label: "99 of 100 readers of a cold page, " + w.label, Value: a.p99, Unit: "ms"},
		} {
			m.Timing, m.Minor = true, true
			r.Metric(m)
		}
	}
	r.Table(table)
	r.Chart(counts)
	r.Chart(waits)
}

func ms(v float64) string { return unit.Figure(v, "") }
