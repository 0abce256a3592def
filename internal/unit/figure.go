package unit

import (
	"math"
	"strconv"
	"strings"
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
	if v == 1 && unit == "round trips" {
		unit = "round trip"
	}
	if unit != "" {
		b.WriteString(" " + unit)
	}
	return b.String()
}

// Numeric says whether every cell of a column is a number, and there is one.
func Numeric(rows [][]string, column int) bool {
	found := false
	for _, row := range rows {
		if column >= len(row) {
			return false
		}
		cell := strings.NewReplacer(",", "", "−", "-", " ", "").Replace(row[column])
		if cell == "" || cell == "–" {
			continue
		}
		if _, err := strconv.ParseFloat(cell, 64); err != nil {
			return false
		}
		found = true
	}
	return found
}
