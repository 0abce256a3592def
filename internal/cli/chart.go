package cli

import (
	"cmp"
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
		lines = sparks(c)
	case unit.Lanes:
		lines = lanes(c)
	case unit.Heat:
		lines = heat(c)
	}
	if c.Mark != nil {
		lines = append(lines, pal.soft(fmt.Sprintf("%s: %s", c.Mark.Label, unit.Figure(c.Mark.Value, c.Unit))))
	}
	return pal.bold(c.Title) + "\n  " + strings.Join(lines, "\n  ")
}

// bars draws one bar a point, against the largest figure or the mark.
func bars(c unit.Chart, room int) []string {
	top := 0.0
	if c.Mark != nil {
		top = c.Mark.Value
	}
	width, figure := 0, 0
	for _, s := range c.Series {
		for _, p := range s.Points {
			top = max(top, p.Y)
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
			out = append(out, fmt.Sprintf("%s%s  %s %s", label, pad, bar(p.Y, top, cells), unit.Figure(p.Y, c.Unit)))
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
func bar(value, top float64, cells int) string {
	if top <= 0 || value <= 0 {
		return ""
	}
	eighths := max(int(math.Round(value/top*float64(cells)*8)), 1)
	out := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		out += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return out
}

// sparks draws one row a series, with its first, last and largest figure.
func sparks(c unit.Chart) []string {
	width := nameWidth(c)
	var out []string
	for _, s := range c.Series {
		if len(s.Points) == 0 {
			continue
		}
		first, last := s.Points[0], s.Points[len(s.Points)-1]
		out = append(out, fmt.Sprintf("%-*s  %s  %s at %s … %s at %s", width, s.Name, levels(thin(s.Points), top(c)),
			unit.Figure(first.Y, c.Unit), unit.Figure(first.X, c.XLabel), unit.Figure(last.Y, c.Unit), unit.Figure(last.X, c.XLabel)))
	}
	return out
}

// thin leaves at most as many points as a line has cells: of those that share a
// cell the highest, for a peak is what a reader looks for.
func thin(points []unit.Point) []unit.Point {
	if len(points) <= chartWidth {
		return points
	}
	out := make([]unit.Point, chartWidth)
	for i := range out {
		from, to := i*len(points)/chartWidth, (i+1)*len(points)/chartWidth
		out[i] = slices.MaxFunc(points[from:to], func(a, b unit.Point) int { return cmp.Compare(a.Y, b.Y) })
	}
	return out
}

// heat draws one row a series, darker where it is hotter.
func heat(c unit.Chart) []string {
	width := nameWidth(c)
	var out []string
	for _, s := range c.Series {
		var b strings.Builder
		for _, p := range s.Points {
			b.WriteRune([]rune(" ░▒▓█")[level(p.Y, top(c), 5)])
		}
		out = append(out, fmt.Sprintf("%-*s  %s", width, s.Name, b.String()))
	}
	return out
}

// lanes draws one row a series; a point spans from X to X+Y.
func lanes(c unit.Chart) []string {
	end := 0.0
	for _, s := range c.Series {
		for _, p := range s.Points {
			end = max(end, p.X+p.Y)
		}
	}
	width := nameWidth(c)
	var out []string
	for _, s := range c.Series {
		row := slices.Repeat([]rune{'·'}, chartWidth)
		for _, p := range s.Points {
			from, to := place(p.X, end), place(p.X+p.Y, end)
			for i := from; i <= min(to, chartWidth-1); i++ {
				row[i] = '█'
			}
		}
		out = append(out, fmt.Sprintf("%-*s  %s", width, s.Name, string(row)))
	}
	return out
}

func place(x, end float64) int {
	if end <= 0 {
		return 0
	}
	return int(x / end * (chartWidth - 1))
}

func nameWidth(c unit.Chart) int {
	width := 0
	for _, s := range c.Series {
		width = max(width, lipgloss.Width(s.Name))
	}
	return width
}

func top(c unit.Chart) float64 {
	t := 0.0
	for _, s := range c.Series {
		for _, p := range s.Points {
			t = max(t, p.Y)
		}
	}
	return t
}

func levels(points []unit.Point, top float64) string {
	var b strings.Builder
	for _, p := range points {
		b.WriteRune([]rune("▁▂▃▄▅▆▇█")[level(p.Y, top, 8)])
	}
	return b.String()
}

// level places a figure on a scale of n steps from zero to top.
func level(value, top float64, n int) int {
	if top <= 0 || value <= 0 {
		return 0
	}
	return min(int(value/top*float64(n)), n-1)
}
