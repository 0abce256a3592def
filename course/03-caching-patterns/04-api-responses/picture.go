package library

import (
	"fmt"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// drawOutage shows what visitors met, over time and in sum.
func drawOutage(r *unit.Run, p phases, all []crowd) {
	lanes := unit.Chart{Kind: unit.Lanes, Title: "What visitors met, over time", XLabel: "ms", Timing: true, Series: []unit.Series{
		{Name: "origin slow", Tone: unit.Bad, Points: []unit.Point{span(p.slowFrom, p.failFrom)}},
		{Name: "origin fails", Tone: unit.Bad, Points: []unit.Point{span(p.failFrom, p.backFrom)}},
	}}
	waits := unit.Chart{Kind: unit.Lines, Title: "The longest wait for a page, over time", XLabel: "ms", YLabel: "ms", Unit: "ms", Timing: true}
	table := unit.Table{Title: "Visitors, by how they were served", Columns: []string{"", hit, stale, miss, failed, "of these, after it was back", "oldest page, s", "origin asked"}}
	for i, st := range standings {
		counts, late, oldest := map[string]int{}, 0, 0
		for _, v := range all[i].visits {
			counts[v.how]++
			oldest = max(oldest, v.age)
			if v.how == failed && v.at >= p.backFrom {
				late++
			}
		}
		said := fmt.Sprint(oldest)
		if st.kind != forAll {
			said = "–" // it does not say
		}
		table.Rows = append(table.Rows, []string{st.label, fmt.Sprint(counts[hit]), fmt.Sprint(counts[stale]), fmt.Sprint(counts[miss]), fmt.Sprint(counts[failed]), fmt.Sprint(late), said, fmt.Sprint(all[i].asked)})
		r.Metric(unit.Metric{Name: "errors_" + st.name, Label: "visitors who were shown an error, " + st.label, Value: float64(counts[failed]), Tone: st.tone})
		if st.kind == forAll {
			r.Metric(unit.Metric{Name: "stale_" + st.name, Label: "visitors who were shown an older page, " + st.label, Value: float64(counts[stale]), Minor: true})
			r.Metric(unit.Metric{Name: "missed_" + st.name, Label: "visitors who waited for the origin, " + st.label, Value: float64(counts[miss]), Minor: true})
		}
		for _, how := range []string{hit, stale, miss, failed} {
			if st.kind == forAll && counts[how] > 0 {
				lanes.Series = append(lanes.Series, unit.Series{Name: st.label + ": " + how, Tone: toneOf(how), Points: spans(all[i].visits, how)})
			}
		}
		if st.kind == "naive" {
			lanes.Series = append(lanes.Series, unit.Series{Name: st.label + ": " + failed, Tone: unit.Bad, Points: spans(all[i].visits, failed)})
		}
		waits.Series = append(waits.Series, unit.Series{Name: st.label, Tone: st.tone, Points: longest(all[i].visits)})
	}
	r.Table(table)
	r.Chart(lanes)
	r.Chart(waits)
}

func toneOf(how string) unit.Tone {
	switch how {
	case hit, stale:
		return unit.Good
	case failed:
		return unit.Bad
	}
	return unit.Plain
}

// spans are the times in which visitors were served in this way.
func spans(all []visit, how string) (out []unit.Point) {
	for i, v := range all {
		if v.how != how {
			continue
		}
		end := v.at
		if i+1 < len(all) {
			end = all[i+1].at
		}
		if n := len(out); n > 0 && i > 0 && all[i-1].how == how {
			out[n-1].Y = ms(end) - out[n-1].X
			continue
		}
		out = append(out, span(v.at, end))
	}
	return out
}

// longest is the longest wait in each tenth of a second.
func longest(all []visit) (out []unit.Point) {
	const bucket = 100 * time.Millisecond
	for _, v := range all {
		x := ms(v.at.Truncate(bucket))
		if n := len(out); n > 0 && out[n-1].X == x {
			out[n-1].Y = max(out[n-1].Y, ms(v.took))
			continue
		}
		out = append(out, unit.Point{X: x, Y: ms(v.took)})
	}
	return out
}

func span(from, to time.Duration) unit.Point { return unit.Point{X: ms(from), Y: ms(to - from)} }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
