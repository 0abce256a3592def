package workbench

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"github.com/redis-grind/grind/internal/unit"
)

// bar is one bar with what stands before it.
type bar struct {
	label string
	value float64
	class string
	gap   float64 // above it
}

// barsOf lays the bars out: by label, and within a label by series. Points
// without a label are called by their series.
func barsOf(c unit.Chart) (bars []bar, legend bool) {
	var labels []string
	for _, series := range c.Series {
		for _, p := range series.Points {
			if p.Label != "" && !slices.Contains(labels, p.Label) {
				labels = append(labels, p.Label)
			}
		}
	}
	if len(labels) == 0 {
		for i, series := range c.Series {
			for _, p := range series.Points {
				bars = append(bars, bar{series.Name, p.Y, colour(c, i), 12})
			}
		}
		return bars, false
	}
	for _, label := range labels {
		first := true
		for i, series := range c.Series {
			for _, p := range series.Points {
				if p.Label != label {
					continue
				}
				b := bar{"", p.Y, colour(c, i), 3}
				if first {
					b.label, b.gap, first = label, 12, false
				}
				bars = append(bars, b)
			}
		}
	}
	return bars, len(c.Series) > 1
}

func (s *sketch) bars() {
	bars, legend := barsOf(s.chart)
	y, height := -8.0, 24.0
	if legend {
		y, height = s.legend()-10, 18
	}
	x, above := s.barScale(bars)
	top := max(y+8, 0)
	for _, b := range bars {
		y += b.gap
		switch {
		case !above:
			s.text(0, y+height/2+4.5, "", "", b.label)
		case b.label != "":
			s.text(0, y+12, "", "", fit(b.label, s.width))
			y += 18
		}
		s.bar(b, x, y, height)
		y += height
	}
	s.height = y + 4
	if s.chart.Mark != nil {
		s.barMark(x, top, y)
	}
	if s.chart.LogY {
		s.text(0, s.height+10, "dim", "", "logarithmic")
		s.height += 16
	}
}

// barScale is where bars begin and end. Long names stand above their bars, which
// then have all of the width.
func (s *sketch) barScale(bars []bar) (x scale, above bool) {
	column := 0.0
	values := []float64{}
	for _, b := range bars {
		column = max(column, textWidth(b.label)+12)
		values = append(values, b.value)
	}
	above = column > s.width*0.38
	if above {
		column = 0
	}
	end := s.width
	if s.chart.Mark != nil {
		values = append(values, s.chart.Mark.Value)
		end -= 6
	}
	return scaleOf(values, column, end, s.chart.LogY, true), above
}

// bar draws one bar, with its figure behind it or, where there is no room, inside.
func (s *sketch) bar(b bar, x scale, y, height float64) {
	zero := x.at(max(0, x.low))
	left, right := min(zero, x.at(b.value)), max(zero, x.at(b.value))
	s.rect(left, y, max(right-left, 2), height, 4, b.class, "")
	figure := unit.Figure(b.value, s.chart.Unit)
	if w := textWidth(figure) + 12; right+w <= s.width {
		s.text(right+8, y+height/2+4.5, "fig", "", figure)
	} else {
		s.text(right-8, y+height/2+4.5, "inside fig", "end", figure)
	}
}

// barMark draws what the bars are held against, and its name below them.
func (s *sketch) barMark(x scale, top, y float64) {
	at := x.at(s.chart.Mark.Value)
	s.rule(at, top, at, y+10, "rule")
	anchor := "end"
	if at < s.width/2 {
		anchor = "start"
	}
	s.text(at, y+26, "dim", anchor, markWords(s.chart))
	s.height = y + 32
}

// frame draws axes, ticks and their names, and returns the two scales.
func (s *sketch) frame(xs, ys []float64, top, plot float64) (x, y scale) {
	bottom := top + plot
	y = scaleOf(ys, bottom, top, s.chart.LogY, true).whole(4)
	yTicks := y.ticks(4)
	left := 0.0
	for _, v := range yTicks {
		left = max(left, textWidth(short(v)))
	}
	left += 10
	x = scaleOf(xs, left+6, s.width-10, s.chart.LogX, false)
	for _, v := range yTicks {
		s.rule(left, y.at(v), s.width, y.at(v), "axis")
		s.text(left-8, y.at(v)+4, "dim fig", "end", short(v))
	}
	s.height = bottom + 8
	return x, y
}

// xAxis writes the ticks below a plot, by label where the points have some.
func (s *sketch) xAxis(x scale, bottom float64) {
	labels := map[float64]string{}
	for _, series := range s.chart.Series {
		for i, p := range series.Points {
			if p.Label != "" && s.chart.Kind == unit.Lines {
				labels[placeOf(p, i)] = p.Label
			}
		}
	}
	used := -1.0
	put := func(v float64, text string) {
		at, half := x.at(v), textWidth(text)/2
		at = min(max(at, half), s.width-half)
		if at-half < used+8 {
			return // it would touch the one before it
		}
		used = at + half
		s.text(at, bottom+18, "dim fig", "middle", text)
	}
	if len(labels) > 0 {
		places := make([]float64, 0, len(labels))
		for v := range labels {
			places = append(places, v)
		}
		slices.Sort(places)
		for _, v := range places {
			put(v, labels[v])
		}
	} else {
		ticks := x.ticks(int(s.width / 90))
		for n := 4; len(ticks) < 2 && n < 10; n++ { // one figure alone says nothing of an axis
			ticks = x.ticks(n)
		}
		for _, v := range ticks {
			put(v, short(v))
		}
	}
	s.height = bottom + 26
	if name := strings.TrimSpace(s.chart.XLabel); name != "" {
		s.text(s.width, bottom+36, "dim", "end", name)
		s.height += 16
	}
}

// placeOf is where a point stands; points with labels alone stand side by side.
func placeOf(p unit.Point, i int) float64 {
	if p.X == 0 && p.Label != "" {
		return float64(i)
	}
	return p.X
}

func (s *sketch) lines() {
	var xs, ys []float64
	for _, series := range s.chart.Series {
		for i, p := range series.Points {
			xs, ys = append(xs, placeOf(p, i)), append(ys, p.Y)
		}
	}
	if s.chart.Mark != nil {
		ys = append(ys, s.chart.Mark.Value)
	}
	top := s.legend()
	if name := upright(s.chart); name != "" {
		s.text(0, top+10, "dim", "", name)
		top += 22
	}
	plot := 180.0
	x, y := s.frame(xs, ys, top+4, plot)
	if s.chart.Mark != nil {
		at := y.at(s.chart.Mark.Value)
		s.rule(y0(x), at, s.width, at, "rule")
		s.text(s.width, at-5, "dim", "end", markWords(s.chart))
	}
	for i, series := range s.chart.Series {
		s.line(series, colour(s.chart, i), x, y)
	}
	s.xAxis(x, top+4+plot)
}

func y0(x scale) float64 { return x.from - 6 }

// upright names what the upright axis counts, and in what.
func upright(c unit.Chart) string {
	if c.YLabel == "" || c.YLabel == c.Unit {
		return c.Unit
	}
	if c.Unit == "" {
		return c.YLabel
	}
	return c.YLabel + " in " + c.Unit
}

func (s *sketch) line(series unit.Series, class string, x, y scale) {
	s.out.WriteString(`<polyline class="line ` + class + `" points="`)
	for i, p := range series.Points {
		if i > 0 {
			s.out.WriteByte(' ')
		}
		s.out.WriteString(coord(x.at(placeOf(p, i))) + "," + coord(y.at(p.Y)))
	}
	s.out.WriteString(`"/>`)
	if len(series.Points) > 40 {
		return // dots would hide the line
	}
	for i, p := range series.Points {
		fmt.Fprintf(&s.out, `<circle cx="%s" cy="%s" r="3.5" class="%s ring"/>`, coord(x.at(placeOf(p, i))), coord(y.at(p.Y)), class)
	}
}

// rows measures the column of names of a chart with a row for each series.
func (s *sketch) rows() float64 {
	column := 0.0
	for _, series := range s.chart.Series {
		column = max(column, textWidth(series.Name)+12)
	}
	return min(column, s.width*0.34)
}

func (s *sketch) lanes() {
	column := s.rows()
	var xs []float64
	for _, series := range s.chart.Series {
		for _, p := range series.Points {
			xs = append(xs, p.X, p.X+p.Y)
		}
	}
	if s.chart.Mark != nil {
		xs = append(xs, s.chart.Mark.Value)
	}
	x := scaleOf(xs, column, s.width-4, s.chart.LogX, false)
	const height, gap = 24.0, 8.0
	y := 4.0
	for i, series := range s.chart.Series {
		s.text(0, y+height/2+4.5, "", "", fit(series.Name, column-8))
		s.rule(column, y+height/2, s.width, y+height/2, "axis")
		for _, p := range series.Points {
			from, to := x.at(p.X), x.at(p.X+p.Y)
			s.rect(from, y, max(to-from, 2), height, 4, colour(s.chart, i), strings.TrimSpace(pointWords(s.chart, p)))
			if to-from > textWidth(p.Label)+12 {
				s.text(from+8, y+height/2+4.5, "inside", "", p.Label)
			}
		}
		y += height + gap
	}
	if s.chart.Mark != nil {
		at := x.at(s.chart.Mark.Value)
		s.rule(at, 0, at, y, "rule")
		s.text(at, y+12, "dim", markAnchor(at, s.width), s.chart.Mark.Label)
		y += 14
	}
	s.xAxis(x, y)
}

func markAnchor(at, width float64) string {
	if at > width*0.7 {
		return "end"
	}
	return "start"
}

func (s *sketch) heat() {
	column := s.rows()
	most, top := 1, 0.0
	for _, series := range s.chart.Series {
		most = max(most, len(series.Points))
		for _, p := range series.Points {
			top = max(top, p.Y)
		}
	}
	size := (s.width - column) / float64(most)
	height := min(max(size, 18), 28)
	y := 4.0
	for _, series := range s.chart.Series {
		s.text(0, y+height/2+4.5, "", "", fit(series.Name, column-8))
		for i, p := range series.Points {
			s.cell(column+float64(i)*size, y, size-2, height-2, p, heatOf(p.Y, top, s.chart.LogY))
		}
		y += height
	}
	s.heatAxis(column, size, y)
}

// heatOf is how hot a figure is, from 0.06 (so that zero is seen) to 1.
func heatOf(v, top float64, log bool) float64 {
	if v <= 0 || top <= 0 {
		return 0.06
	}
	if log {
		return 0.06 + 0.94*math.Log1p(v)/math.Log1p(top)
	}
	return 0.06 + 0.94*v/top
}

func (s *sketch) cell(x, y, w, h float64, p unit.Point, heat float64) {
	figure := unit.Figure(p.Y, "")
	fmt.Fprintf(&s.out, `<rect x="%s" y="%s" width="%s" height="%s" rx="3" class="c1" fill-opacity="%.2f"><title>%s</title></rect>`,
		coord(x), coord(y), coord(max(w, 1)), coord(h), heat, strings.TrimSpace(html.EscapeString(p.Label)+" "+html.EscapeString(unit.Figure(p.Y, s.chart.Unit))))
	if w > textWidth(figure)+6 {
		class := "dim fig"
		if heat > 0.6 {
			class = "inside fig"
		}
		s.text(x+w/2, y+h/2+4.5, class, "middle", figure)
	}
}

func (s *sketch) heatAxis(column, size, y float64) {
	s.height = y + 4
	if len(s.chart.Series) == 0 {
		return
	}
	used := 0.0
	for i, p := range s.chart.Series[0].Points {
		text := p.Label
		if text == "" {
			text = short(p.X)
		}
		at, half := column+(float64(i)+0.5)*size, textWidth(text)/2
		if at-half < used+8 || at+half > s.width {
			continue
		}
		used = at + half
		s.text(at, y+16, "dim fig", "middle", text)
		s.height = y + 24
	}
	if s.chart.XLabel != "" {
		s.text(s.width, s.height+10, "dim", "end", s.chart.XLabel)
		s.height += 16
	}
}
