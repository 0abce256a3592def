package cli

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/redis-grind/grind/internal/unit"
)

// chartWidth is how many cells the longest bar or line takes, and chartLeast how
// few where the terminal is narrow.
const (
	chartWidth = 40
	chartLeast = 10
)

// chartText draws a chart in text, in lines of width cells; 0 is any.
func chartText(c unit.Chart, pal palette, width int) string {
	var lines []string
	switch c.Kind {
	case unit.Bars:
		lines = bars(c, width)
	case unit.Lines:
		lines = sparks(c, width)
	case unit.Lanes:
		lines = lanes(c)
	case unit.Heat:
		lines = heat(c)
	}
	if c.Mark != nil {
		lines = append(lines, pal.soft(fmt.Sprintf("%s: %s", c.Mark.Label, unit.Figure(c.Mark.Value, c.Unit))))
	}
	if said := logSaid(c); said != "" {
		lines = append(lines, pal.soft(said))
	}
	return pal.bold(c.Title) + "\n  " + strings.Join(lines, "\n  ")
}

// logSaid says which figures are drawn by their logarithm.
func logSaid(c unit.Chart) string {
	upright := map[unit.ChartKind]string{unit.Bars: "bars", unit.Lines: "heights", unit.Heat: "shades"}[c.Kind]
	across := c.LogX && (c.Kind == unit.Lines || c.Kind == unit.Lanes)
	switch {
	case c.LogY && upright != "" && across:
		return upright + " and widths logarithmic"
	case c.LogY && upright != "":
		return upright + " logarithmic"
	case across:
		return "widths logarithmic"
	}
	return ""
}

// heights are the Y of all points.
func heights(c unit.Chart) []float64 {
	var all []float64
	for _, s := range c.Series {
		for _, p := range s.Points {
			all = append(all, p.Y)
		}
	}
	return all
}

// bars draws one bar a point, against the largest figure or the mark.
func bars(c unit.Chart, room int) []string {
	figures := heights(c)
	if c.Mark != nil {
		figures = append(figures, c.Mark.Value)
	}
	against := scaleOf(figures, c.LogY)
	width, figure := 0, 0
	for _, s := range c.Series {
		for _, p := range s.Points {
			width = max(width, lipgloss.Width(barLabel(c, s, p)))
			figure = max(figure, lipgloss.Width(unit.Figure(p.Y, c.Unit)))
		}
	}
	cells := chartWidth
	if room > 0 {
		cells = max(min(chartWidth, room-width-figure-3), chartLeast)
	}
	var out []string
	for _, s := range c.Series {
		for _, p := range s.Points {
			label := barLabel(c, s, p)
			pad := strings.Repeat(" ", width-lipgloss.Width(label))
			out = append(out, fmt.Sprintf("%s%s  %s %s", label, pad, bar(p.Y, against, cells), unit.Figure(p.Y, c.Unit)))
		}
	}
	return out
}

func barLabel(c unit.Chart, s unit.Series, p unit.Point) string {
	if len(c.Series) == 1 {
		return p.Label
	}
	return strings.TrimSpace(p.Label + " " + s.Name)
}

// bar is drawn in eighths of a cell; what is not zero is never invisible.
func bar(value float64, against scale, cells int) string {
	if value <= 0 {
		return ""
	}
	eighths := max(int(math.Round(against.part(value)*float64(cells)*8)), 1)
	out := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		out += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return out
}

// sparks draws one row a series, with its first and last figure: behind it, or
// below where the terminal is narrow.
func sparks(c unit.Chart, room int) []string {
	width := nameWidth(c)
	var places []float64
	for _, s := range c.Series {
		for i, p := range s.Points {
			places = append(places, placeOf(p, i))
		}
	}
	x, y := spanOf(places, c.LogX), scaleOf(heights(c), c.LogY)
	var out []string
	for _, s := range c.Series {
		if len(s.Points) == 0 {
			continue
		}
		first, last := s.Points[0], s.Points[len(s.Points)-1]
		line := fmt.Sprintf("%-*s  %s", width, s.Name, levels(s.Points, x, y))
		ends := fmt.Sprintf("%s at %s … %s at %s",
			unit.Figure(first.Y, c.Unit), unit.Figure(first.X, c.XLabel), unit.Figure(last.Y, c.Unit), unit.Figure(last.X, c.XLabel))
		if room > 0 && lipgloss.Width(line)+2+lipgloss.Width(ends) > room {
			out = append(out, line, strings.Repeat(" ", width+2)+ends)
		} else {
			out = append(out, line+"  "+ends)
		}
	}
	return out
}

// placeOf is where a point stands; points with labels alone stand side by side.
func placeOf(p unit.Point, i int) float64 {
	if p.X == 0 && p.Label != "" {
		return float64(i)
	}
	return p.X
}

// levels draws a line, a cell for each place across. Of points that share a cell
// the highest is drawn, for a peak is what a reader looks for; between two points
// the way from one to the other.
func levels(points []unit.Point, x, y scale) string {
	out := []rune(strings.Repeat(" ", chartWidth))
	put := func(cell int, part float64) {
		step := []rune("▁▂▃▄▅▆▇█")[min(int(part*8), 7)]
		out[cell] = max(out[cell], step) // the steps follow each other in Unicode, behind the space
	}
	was, at := 0, 0.0
	for i, p := range points {
		cell, part := int(math.Round(x.part(placeOf(p, i))*(chartWidth-1))), y.part(p.Y)
		for between := was + 1; i > 0 && between < cell; between++ {
			put(between, at+(part-at)*float64(between-was)/float64(cell-was))
		}
		put(cell, part)
		was, at = cell, part
	}
	return string(out)
}

// heat draws one row a series, darker where it is hotter.
func heat(c unit.Chart) []string {
	width, hottest := nameWidth(c), slices.Max(append(heights(c), 0))
	if c.LogY {
		hottest = math.Log1p(hottest)
	}
	var out []string
	for _, s := range c.Series {
		var b strings.Builder
		for _, p := range s.Points {
			heat := p.Y
			if c.LogY {
				heat = math.Log1p(max(heat, 0))
			}
			b.WriteRune([]rune(" ░▒▓█")[min(int(scale{high: hottest}.part(heat)*5), 4)])
		}
		out = append(out, fmt.Sprintf("%-*s  %s", width, s.Name, b.String()))
	}
	return out
}

// lanes draws one row a series; a point spans from X to X+Y.
func lanes(c unit.Chart) []string {
	var places []float64
	for _, s := range c.Series {
		for _, p := range s.Points {
			places = append(places, p.X, p.X+p.Y)
		}
	}
	x := scaleOf(places, c.LogX)
	cell := func(v float64) int { return int(x.part(v) * (chartWidth - 1)) }
	width := nameWidth(c)
	var out []string
	for _, s := range c.Series {
		row := slices.Repeat([]rune{'·'}, chartWidth)
		for _, p := range s.Points {
			for i := cell(p.X); i <= cell(p.X+p.Y); i++ {
				row[i] = '█'
			}
		}
		out = append(out, fmt.Sprintf("%-*s  %s", width, s.Name, string(row)))
	}
	return out
}

func nameWidth(c unit.Chart) int {
	width := 0
	for _, s := range c.Series {
		width = max(width, lipgloss.Width(s.Name))
	}
	return width
}
