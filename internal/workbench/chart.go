package workbench

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/redis-grind/grind/internal/unit"
)

// The two widths in which each chart is drawn; the page shows the one that fits,
// so that its text has the same size everywhere.
const (
	wide   = 560
	narrow = 324
)

// drawChart draws a chart as SVG of the given width. Colours come from classes,
// so both colour schemes follow; its label reads out the figures.
func drawChart(c unit.Chart, width int) template.HTML {
	c = finite(c)
	s := &sketch{chart: c, width: float64(width)}
	switch c.Kind {
	case unit.Bars:
		s.bars()
	case unit.Lines:
		s.lines()
	case unit.Lanes:
		s.lanes()
	case unit.Heat:
		s.heat()
	default:
		return template.HTML(`<p class="small soft">` + html.EscapeString(readOut(c)) + `</p>`) //nolint:gosec // escaped, as one sees
	}
	class := "wide"
	if width == narrow {
		class = "narrow"
	}
	//nolint:gosec // all text went through escaping
	return template.HTML(fmt.Sprintf(`<svg class="chart %s" viewBox="0 0 %d %.0f" role="img" aria-label="%s">%s</svg>`,
		class, width, math.Ceil(s.height), html.EscapeString(readOut(c)), s.out.String()))
}

// finite leaves out what has no place on a scale: a rate over no time at all.
func finite(c unit.Chart) unit.Chart {
	lost := func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }
	c.Series = slices.Clone(c.Series)
	for i, series := range c.Series {
		c.Series[i].Points = slices.DeleteFunc(slices.Clone(series.Points), func(p unit.Point) bool { return lost(p.X) || lost(p.Y) })
	}
	if c.Mark != nil && lost(c.Mark.Value) {
		c.Mark = nil
	}
	return c
}

// sketch is a chart being drawn.
type sketch struct {
	chart         unit.Chart
	width, height float64
	out           strings.Builder
}

// coord writes a coordinate with one decimal at most.
func coord(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

func (s *sketch) text(x, y float64, class, anchor, text string) {
	fmt.Fprintf(&s.out, `<text x="%s" y="%s"`, coord(x), coord(y))
	if class != "" {
		fmt.Fprintf(&s.out, ` class="%s"`, class)
	}
	if anchor != "" {
		fmt.Fprintf(&s.out, ` text-anchor="%s"`, anchor)
	}
	fmt.Fprintf(&s.out, `>%s</text>`, html.EscapeString(text))
}

func (s *sketch) rect(x, y, w, h, r float64, class, title string) {
	fmt.Fprintf(&s.out, `<rect x="%s" y="%s" width="%s" height="%s" rx="%s" class="%s">`,
		coord(x), coord(y), coord(max(w, 0)), coord(h), coord(r), class)
	if title != "" {
		fmt.Fprintf(&s.out, `<title>%s</title>`, html.EscapeString(title))
	}
	s.out.WriteString(`</rect>`)
}

func (s *sketch) rule(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&s.out, `<line x1="%s" y1="%s" x2="%s" y2="%s" class="%s"/>`, coord(x1), coord(y1), coord(x2), coord(y2), class)
}

// textWidth is about how wide a text of 13 pixels is.
func textWidth(s string) float64 {
	width := 7.1 * float64(utf8.RuneCountInString(s))
	for _, r := range s {
		if unicode.IsUpper(r) {
			width += 1.8 // names of commands
		}
	}
	return width
}

// fit cuts a text to a width.
func fit(s string, width float64) string {
	runes := []rune(s)
	most := int(width / 7.1)
	if len(runes) <= most || most < 2 {
		return s
	}
	return string(runes[:most-1]) + "…"
}

// colour is the class of a series: its tone, else one of four in turn. Of two with
// one tone, the second is paler, or dashed.
func colour(c unit.Chart, i int) string {
	name, again := "", 0
	switch c.Series[i].Tone {
	case unit.Good:
		name = "cgood"
	case unit.Bad:
		name = "cbad"
	default:
		return "c" + strconv.Itoa(i%4+1)
	}
	for _, before := range c.Series[:i] {
		if before.Tone == c.Series[i].Tone {
			again++
		}
	}
	if again%2 == 1 {
		name += " again"
	}
	return name
}

// legend names the series above a chart of several and returns how high it is.
func (s *sketch) legend() float64 {
	if len(s.chart.Series) < 2 {
		return 4
	}
	x, y := 0.0, 12.0
	for i, series := range s.chart.Series {
		w := 18 + textWidth(series.Name) + 14
		if x > 0 && x+w > s.width {
			x, y = 0, y+20
		}
		s.rect(x, y-9, 10, 10, 3, colour(s.chart, i), "")
		s.text(x+16, y, "dim", "", fit(series.Name, s.width-20))
		x += w
	}
	return y + 14
}

// scale maps figures to places.
type scale struct {
	low, high float64 // figures
	from, to  float64 // places
	log       bool
}

// scaleOf spans the figures. A linear scale of amounts begins at zero; a
// logarithmic one leaves out what is not above zero and spans whole decades.
func scaleOf(values []float64, from, to float64, log, zero bool) scale {
	sc := scale{from: from, to: to, log: log}
	if log {
		values = slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return v <= 0 })
		if len(values) == 0 {
			values = []float64{1}
		}
		sc.low = math.Pow(10, math.Floor(math.Log10(slices.Min(values))))
		sc.high = math.Pow(10, math.Ceil(math.Log10(slices.Max(values))))
		if sc.low == sc.high {
			sc.high *= 10
		}
		return sc
	}
	if len(values) == 0 {
		values = []float64{0}
	}
	sc.low, sc.high = slices.Min(values), slices.Max(values)
	if zero {
		sc.low = min(sc.low, 0)
		sc.high = max(sc.high, 0)
	}
	if sc.low == sc.high {
		sc.high = sc.low + 1
	}
	return sc
}

func (sc scale) at(v float64) float64 {
	part := (v - sc.low) / (sc.high - sc.low)
	if sc.log {
		part = (math.Log10(max(v, sc.low)) - math.Log10(sc.low)) / (math.Log10(sc.high) - math.Log10(sc.low))
	}
	return sc.from + min(max(part, 0), 1)*(sc.to-sc.from)
}

// whole lets a linear scale end at a tick, so that nothing is drawn beyond the
// last figure of its axis.
func (sc scale) whole(n int) scale {
	if ticks := sc.ticks(n); !sc.log && len(ticks) > 1 {
		step := ticks[1] - ticks[0]
		sc.low = math.Floor(sc.low/step+1e-9) * step
		sc.high = math.Ceil(sc.high/step-1e-9) * step
	}
	return sc
}

// ticks are round figures on a scale, at most about n of them.
func (sc scale) ticks(n int) []float64 {
	var out []float64
	if sc.log {
		decades := math.Log10(sc.high / sc.low)
		stride := math.Pow(10, max(1, math.Ceil(decades/float64(n))))
		for v := sc.low; v <= sc.high*1.001 && len(out) < 20; v *= stride {
			out = append(out, v)
		}
		return out
	}
	rough := (sc.high - sc.low) / float64(max(n, 1))
	size := math.Pow(10, math.Floor(math.Log10(rough)))
	step := size
	for _, m := range []float64{1, 2, 5, 10} {
		if step = m * size; step >= rough {
			break
		}
	}
	for v := math.Ceil(sc.low/step) * step; v <= sc.high+step/1e6 && len(out) < 20; v += step {
		out = append(out, v+0) // no minus zero
	}
	return out
}

// readOut says a chart's figures in words.
func readOut(c unit.Chart) string {
	var b strings.Builder
	b.WriteString(cmp.Or(c.Title, "Chart") + ":")
	shown := 0
	for _, series := range c.Series {
		if shown++; shown > 12 {
			b.WriteString(" and more")
			break
		}
		b.WriteString(" " + series.Name)
		points := series.Points
		if len(points) > 8 { // a line is told by its ends and its extremes
			points = []unit.Point{points[0], slices.MaxFunc(points, byY), points[len(points)-1]}
		}
		for i, p := range points {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString(pointWords(c, p))
		}
		b.WriteString(";")
	}
	if c.Mark != nil {
		b.WriteString(" " + markWords(c) + ";")
	}
	return strings.TrimSuffix(b.String(), ";")
}

func byY(a, b unit.Point) int { return cmp.Compare(a.Y, b.Y) }

func pointWords(c unit.Chart, p unit.Point) string {
	value := " " + unit.Figure(p.Y, c.Unit)
	switch {
	case c.Kind == unit.Lanes:
		return " " + strings.TrimSpace(p.Label+" from "+tidy(p.X)+" to "+tidy(p.X+p.Y))
	case p.Label != "":
		return " " + p.Label + value
	case c.Kind == unit.Lines:
		return value + " at " + tidy(p.X)
	}
	return value
}

// markWords is the mark's label with its figure, unless it says it already.
func markWords(c unit.Chart) string {
	value := unit.Figure(c.Mark.Value, c.Unit)
	if strings.Contains(c.Mark.Label, unit.Figure(c.Mark.Value, "")) {
		return c.Mark.Label
	}
	return strings.TrimSpace(c.Mark.Label + " " + value)
}
