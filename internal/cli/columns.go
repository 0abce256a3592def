package cli

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/redis-grind/grind/internal/unit"
)

// fit breaks lines at words where the terminal ends, as far in as they began; a
// width of 0 breaks none.
func fit(text string, width int) string {
	if width == 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if lipgloss.Width(l) <= width {
			continue
		}
		words := strings.TrimLeft(l, " ")
		margin := strings.Repeat(" ", min(len(l)-len(words), width/2))
		lines[i] = margin + strings.ReplaceAll(lipgloss.Wrap(words, width-len(margin), ""), "\n", "\n"+margin)
	}
	return strings.Join(lines, "\n")
}

// gap is what stands between two columns, and narrow what a column is not made
// narrower than.
const (
	gap    = "  "
	narrow = 12
)

// columns aligns cells; a column whose cells are numbers aligns right. Where the
// rows are wider than width, cells of the widest columns take several lines; a
// width of 0 is any.
func columns(rows [][]string, width int) []string {
	right := make([]bool, len(rows[0]))
	for i := range right {
		right[i] = unit.Numeric(rows[1:], i)
	}
	return layout(rows, right, width)
}

// layout aligns the cells of rows that are equally long; right says which columns
// to the right.
func layout(rows [][]string, right []bool, width int) []string {
	widths := columnWidths(rows, width)
	var out []string
	for _, row := range rows {
		cells := make([][]string, len(row))
		height := 1
		for i, cell := range row {
			cells[i] = strings.Split(fit(cell, widths[i]), "\n")
			height = max(height, len(cells[i]))
		}
		for n := range height {
			var b strings.Builder
			for i := range row {
				part := ""
				if n < len(cells[i]) {
					part = cells[i][n]
				}
				pad := strings.Repeat(" ", max(widths[i]-lipgloss.Width(part), 0))
				if right[i] {
					b.WriteString(pad + part + gap)
				} else {
					b.WriteString(part + pad + gap)
				}
			}
			out = append(out, strings.TrimRight(b.String(), " "))
		}
	}
	return out
}

// columnWidths are as wide as the cells, and where that is too wide together, the
// widest give way.
func columnWidths(rows [][]string, width int) []int {
	widths := make([]int, len(rows[0]))
	total := 0
	for _, row := range rows {
		for i, cell := range row {
			grown := max(widths[i], lipgloss.Width(cell))
			total, widths[i] = total+grown-widths[i], grown
		}
	}
	for total += len(gap) * (len(widths) - 1); width > 0 && total > width; total-- {
		widest := slices.Index(widths, slices.Max(widths))
		if widths[widest] <= narrow {
			break
		}
		widths[widest]--
	}
	return widths
}
