package workbench

import "github.com/redis-grind/grind/internal/unit"

// filmView is a film: the page has all its frames, and shows one.
type filmView struct {
	Title  string
	Frames []frameView
	Slow   int64 // how many times slower it is played than it was; 0 for a film in steps
}

// unhurried is how long a frame of a film is to be seen, in milliseconds.
const unhurried = 1200

type frameView struct {
	Caption string
	Millis  int64
	Keys    []keyView
	Rows    []rowView
}

type rowView struct {
	unit.Row
	Only int // how many columns its only cell takes; 0 when it has several
}

func filmOf(f unit.Film) filmView {
	longest := f.Longest()
	widest := 0
	for _, frame := range f.Frames {
		for _, row := range frame.Rows {
			widest = max(widest, len(row.Cells))
		}
	}
	v := filmView{Title: f.Title, Slow: slowed(f)}
	for _, frame := range f.Frames {
		out := frameView{Caption: frame.Caption, Millis: frame.Millis, Keys: picturesOf(frame.Keys)}
		for i, k := range out.Keys {
			if most := longest[k.Name]; most > 0 {
				out.Keys[i].Life = &life{Left: k.TTL, Longest: most, Width: int64(share(float64(k.TTL), float64(most)))}
			}
		}
		for _, row := range frame.Rows {
			only := 0
			if len(row.Cells) == 1 {
				only = widest
			}
			out.Rows = append(out.Rows, rowView{row, only})
		}
		v.Frames = append(v.Frames, out)
	}
	return v
}

// slowed is how much longer a film must take for its frames to be read.
func slowed(f unit.Film) int64 {
	last := f.Frames[len(f.Frames)-1].Millis
	if last == 0 {
		return 0
	}
	return max(1, unhurried*int64(len(f.Frames)-1)/last)
}
