package unit

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Figure writes a number the way every face shows it: with thousands set apart,
// no more digits than it deserves, and its unit behind it.
func Figure(v float64, unit string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	decimals := 0
	if a := math.Abs(v); v != math.Trunc(v) {
		switch {
		case a < 0.1:
			decimals = 1 - int(math.Floor(math.Log10(a))) // two digits that say something
		case a < 10:
			decimals = 2
		case a < 100:
			decimals = 1
		}
	}
	s := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	if v < 0 {
		b.WriteString("−")
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	if unit != "" {
		b.WriteString(" " + FormOf(v, unit))
	}
	return b.String()
}

// FormOf is a unit as it stands after a figure: one round trip, two round trips.
// Symbols, such as ms, and rates stay as they are.
func FormOf(v float64, unit string) string {
	switch {
	case v != 1 || len(unit) < 5 || strings.Contains(unit, "/"):
		return unit
	case strings.HasSuffix(unit, "ies"):
		return strings.TrimSuffix(unit, "ies") + "y"
	case strings.HasSuffix(unit, "ss"):
		return unit
	}
	return strings.TrimSuffix(unit, "s")
}

// Span writes a duration for people: 300 ms, 1.5 s, 1 m 30 s.
func Span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	var b strings.Builder
	was := '-'
	for _, r := range s {
		if was != '-' && unicode.IsLetter(r) != unicode.IsLetter(was) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		if was = r; r == '.' {
			was = '0' // within a number
		}
	}
	return b.String()
}

// Numeric says whether a column is one of figures: at least half of its cells are
// numbers, alone or with a unit. The first column names its row where any cell is a
// word.
func Numeric(rows [][]string, column int) bool {
	figures, words := 0, 0
	for _, row := range rows {
		if column >= len(row) {
			return false
		}
		switch cell := row[column]; {
		case strings.TrimSpace(cell) == "" || cell == "–":
		case isFigure(cell):
			figures++
		default:
			words++
		}
	}
	return figures > 0 && figures >= words && (column > 0 || words == 0)
}

// isFigure says whether a cell is a number, alone or with a unit.
func isFigure(cell string) bool {
	number, name, _ := strings.Cut(strings.NewReplacer(",", "", "−", "-", " ", "", " ", "").Replace(cell), " ")
	_, err := strconv.ParseFloat(number, 64)
	return err == nil && !strings.Contains(name, " ") && !strings.ContainsAny(name, "0123456789")
}
