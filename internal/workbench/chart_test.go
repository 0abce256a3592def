package workbench

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/redis-grind/grind/internal/unit"
)

// Every chart is sound XML, reads out its figures, and stays within its frame.
func TestChart(t *testing.T) {
	for _, event := range demoEvents() {
		c, ok := event.(unit.Chart)
		if !ok {
			continue
		}
		for _, width := range []int{wide, narrow} {
			svg := string(drawChart(c, width))
			t.Run(fmt.Sprint(c.Kind, width), func(t *testing.T) {
				decoder := xml.NewDecoder(strings.NewReader(svg))
				for {
					if _, err := decoder.Token(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						t.Fatalf("%v in %s", err, svg)
					}
				}
				has(t, svg, `role="img"`, `aria-label="`+c.Title+":")
				strict(t, "the chart", svg)
				for _, x := range regexp.MustCompile(` (?:x|cx|x1|x2)="([^"]*)"`).FindAllStringSubmatch(svg, -1) {
					v, err := strconv.ParseFloat(x[1], 64)
					if err != nil || v < -0.1 || v > float64(width)+0.1 {
						t.Errorf("got the place %s, want one from 0 to %d", x[1], width)
					}
				}
			})
		}
	}
}

func TestChart_readsOut(t *testing.T) {
	got := readOut(unit.Chart{Kind: unit.Bars, Title: "Likes counted", Unit: "likes", Series: []unit.Series{
		{Name: "GET, SET", Points: []unit.Point{{Y: 18_123}}}, {Name: "INCR", Points: []unit.Point{{Y: 50_000}}},
	}, Mark: &unit.Mark{Label: "expected", Value: 50_000}})
	if want := "Likes counted: GET, SET 18,123 likes; INCR 50,000 likes; expected 50,000 likes"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Figures that no chart should meet, and some will.
func TestChart_odd(t *testing.T) {
	points := func(ys ...float64) []unit.Series {
		s := unit.Series{Name: strings.Repeat("a long name ", 9)}
		for i, y := range ys {
			s.Points = append(s.Points, unit.Point{X: float64(i), Y: y})
		}
		return []unit.Series{s}
	}
	for name, series := range map[string][]unit.Series{
		"nothing": nil, "no points": {{Name: "a"}}, "one": points(1), "zeros": points(0, 0, 0),
		"below zero": points(-5, 5), "equal": points(7, 7), "large": points(1, 1e12), "small": points(1e-9, 2e-9),
		"not a number": points(math.NaN(), 1), "endless": points(math.Inf(1), 1),
	} {
		for _, kind := range []unit.ChartKind{unit.Bars, unit.Lines, unit.Lanes, unit.Heat} {
			for _, log := range []bool{false, true} {
				svg := string(drawChart(unit.Chart{Kind: kind, Series: series, LogX: log, LogY: log}, narrow))
				if found := regexp.MustCompile(`="[^"]*(?:NaN|Inf)[^"]*"`).FindString(regexp.MustCompile(`aria-label="[^"]*"`).ReplaceAllString(svg, "")); found != "" {
					t.Errorf("%s of %s, log %t: got %s", kind, name, log, found)
				}
			}
		}
	}
}

func TestScale_ticks(t *testing.T) {
	for _, tc := range []struct {
		values []float64
		log    bool
		want   string
	}{
		{[]float64{0, 50_000}, false, "0 20000 40000"},
		{[]float64{0, 1}, false, "0 0.5 1"},
		{[]float64{3, 700}, true, "1 10 100 1000"},
		{[]float64{1, 1e9}, true, "1 1000 1e+06 1e+09"},
	} {
		var got []string
		for _, v := range scaleOf(tc.values, 0, 100, tc.log, true).ticks(3) {
			got = append(got, strconv.FormatFloat(v, 'g', 6, 64))
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%v: got %v, want %s", tc.values, got, tc.want)
		}
	}
}
