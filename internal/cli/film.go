package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/redis-grind/grind/internal/picture"
	"github.com/redis-grind/grind/internal/unit"
)

// film prints each frame: what happened, and what is not as it was in the frame
// before.
func (t *termRenderer) film(f unit.Film) {
	t.line("\n%s", t.pal.bold(f.Title))
	longest := f.Longest()
	var before unit.Frame
	for i, frame := range f.Frames {
		at := ""
		if frame.Millis > 0 {
			at = t.pal.soft(fmt.Sprintf(" · after %.1f s", float64(frame.Millis)/1000))
		}
		caption := strings.ReplaceAll(fit(frame.Caption+at, max(t.width-6, 0)), "\n", "\n      ")
		fmt.Fprintf(t.a.out, "  %2d  %s\n", i+1, caption)
		rows := append(keyRows(frame.Keys, before.Keys, longest), t.cellRows(frame.Rows, before.Rows)...)
		for _, row := range aligned(rows, max(t.width-6, 0)) {
			t.line("      %s", row)
		}
		before = frame
	}
}

// keyRows are the keys that changed: a bar of the time that is left, the value, or
// the members of a sorted set that changed places.
func keyRows(now, before []picture.Key, longest map[string]int64) [][]string {
	was := map[string]picture.Key{}
	for _, k := range before {
		was[k.Name] = k
	}
	var rows [][]string
	for _, k := range now {
		old, known := was[k.Name]
		switch {
		case k.Type == "zset":
			rows = append(rows, placeRows(k, old)...)
		case known && k.TTL < 0 && old.TTL < 0 && k.Type == old.Type && itemsText(k) == itemsText(old): // nothing changed
		case k.Type == "none":
			rows = append(rows, []string{k.Name, "is not there"})
		case longest[k.Name] > 0:
			rows = append(rows, []string{k.Name, lifeText(k.TTL, longest[k.Name])})
		default:
			rows = append(rows, []string{k.Name, itemsText(k)})
		}
	}
	return rows
}

// lifeWidth is how many cells the longest life of a key takes.
const lifeWidth = 24

func lifeText(left, longest int64) string {
	if left < 0 {
		return "no end"
	}
	return fmt.Sprintf("%-*s  %s left", lifeWidth, bar(float64(left), scale{high: float64(longest)}, lifeWidth), unit.Figure(float64(left), "ms"))
}

func itemsText(k picture.Key) string {
	values := make([]string, len(k.Items))
	for i, item := range k.Items {
		values[i] = strings.TrimSpace(item.Name + " " + item.Value)
	}
	return strings.Join(values, ", ")
}

// placeRows are the members whose place or score changed, from the lowest; all of
// them where there was nothing before.
func placeRows(now, before picture.Key) [][]string {
	was := map[string]picture.Item{}
	for _, item := range before.Items {
		was[item.Value] = item
	}
	var rows [][]string
	for _, item := range now.Items {
		old, known := was[item.Value]
		delete(was, item.Value)
		switch {
		case !known:
			rows = append(rows, []string{item.Name, item.Value, item.Score})
		case old.Name != item.Name || old.Score != item.Score:
			rows = append(rows, []string{arrow(old.Name, item.Name), item.Value, arrow(old.Score, item.Score)})
		}
	}
	for _, item := range before.Items {
		if _, gone := was[item.Value]; gone {
			rows = append(rows, []string{item.Name, item.Value, "gone"})
		}
	}
	if len(rows) == 0 {
		rows = append(rows, []string{"all as it was"})
	}
	return rows
}

func arrow(from, to string) string {
	if from == to {
		return to
	}
	return from + " → " + to
}

// cellRows are the rows in which something changed, besides what was new and now
// is old.
func (t *termRenderer) cellRows(now, before []unit.Row) [][]string {
	was := map[string]unit.Row{}
	for _, row := range before {
		was[row.Name] = row
	}
	var rows [][]string
	for _, row := range now {
		if old, known := was[row.Name]; known && sameRow(row, old) {
			continue
		}
		out := []string{strings.TrimSuffix(row.Name+", "+row.Note, ", ")}
		for _, cell := range row.Cells {
			out = append(out, t.cellText(cell))
		}
		rows = append(rows, out)
	}
	return rows
}

func sameRow(now, before unit.Row) bool {
	return now.Note == before.Note && slices.EqualFunc(now.Cells, before.Cells, func(a, b unit.Cell) bool {
		return a == b || a.Text == b.Text && a.Mark == unit.Old && b.Mark == unit.New
	})
}

// cellText sets what happens in this frame in brackets.
func (t *termRenderer) cellText(c unit.Cell) string {
	switch {
	case c.Mark == unit.New:
		return t.pal.bold("[" + c.Text + "]")
	case c.Mark == unit.Wrong:
		return t.pal.bad(c.Text + "!")
	case c.Text == "":
		return t.pal.soft("·")
	case c.Mark == unit.Blank:
		return t.pal.soft(c.Text)
	}
	return c.Text
}

// aligned are columns of rows that may differ in length, all to the left.
func aligned(rows [][]string, width int) []string {
	most := 0
	for _, row := range rows {
		most = max(most, len(row))
	}
	if most == 0 {
		return nil
	}
	for i, row := range rows {
		rows[i] = append(row, make([]string, most-len(row))...)
	}
	return layout(rows, make([]bool, most), width)
}
