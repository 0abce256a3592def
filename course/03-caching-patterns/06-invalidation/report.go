package canteen

import (
	"fmt"

	"github.com/redis-grind/grind/internal/unit"
)

// report shows for how long the till was wrong, by the way it was told.
func report(r *unit.Run, arrived, lost []seen) {
	table := unit.Table{Title: "For how long the till shows the old recipe", Columns: []string{"", "reads that ask Redis %", "half of the pages, ms", "longest, ms", "what is lost", "longest then, ms"}}
	chart := unit.Chart{Kind: unit.Bars, Title: "The longest time that the till shows an old recipe", Unit: "ms", LogY: true, Timing: true,
		Series: []unit.Series{{Name: "messages arrive", Tone: unit.Good}, {Name: "messages are lost", Tone: unit.Bad}}}
	for i, w := range ways {
		a, l := arrived[i], lost[i]
		table.Rows = append(table.Rows, []string{w.label, fmt.Sprintf("%.1f", a.asked), ms(a.half()), ms(a.longest()), w.lost, ms(l.longest())})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: w.label, Y: a.longest()})
		chart.Series[1].Points = append(chart.Series[1].Points, unit.Point{Label: w.label, Y: l.longest()})
		w.figures(r, a, l)
	}
	for _, name := range []string{"ttl", "local"} {
		label := map[string]string{"ttl": "an entry's life in Redis", "local": "a copy's life in the till"}[name]
		r.Metric(unit.Metric{Name: "life_" + name, Label: label, Value: float64(r.Duration(name)) / 1e6, Unit: "ms", Timing: true, Minor: true})
	}
	r.Table(table)
	r.Chart(chart)
}

// figures reports what claims are made of; the table has the rest.
func (w way) figures(r *unit.Run, a, l seen) {
	all := []unit.Metric{
		{Name: "longest_" + w.name, Label: "longest, " + w.label, Value: a.longest(), Unit: "ms", Tone: w.tone, Minor: w.name == "kit_tags" || w.name == "tags"},
		{Name: "lost_" + w.name, Label: "longest when messages are lost, " + w.label, Value: l.longest(), Unit: "ms", Tone: w.tone, Minor: w.name != "pubsub" && w.name != "kit"},
	}
	if w.versions || w.pushed() {
		all = append(all, unit.Metric{Name: "half_" + w.name, Label: "half of the pages, " + w.label, Value: a.half(), Unit: "ms", Minor: true})
	}
	if w.tracks || w.kit {
		all = append(all, unit.Metric{Name: "half_lost_" + w.name, Label: "half of the pages when messages are lost, " + w.label, Value: l.half(), Unit: "ms", Minor: true})
	}
	if w.versions || w.hears {
		all = append(all, unit.Metric{Name: "asks_" + w.name, Label: "reads that ask Redis, " + w.label, Value: a.asked, Unit: "%", Minor: true})
	}
	for _, m := range all {
		m.Timing = true
		r.Metric(m)
	}
}

func ms(v float64) string { return unit.Figure(v, "") }
