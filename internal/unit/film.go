package unit

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis-grind/grind/internal/picture"
)

// Film shows the same things at successive moments, so that a reader sees what
// moves: the page plays it, the terminal prints what changed from one frame to the
// next.
type Film struct {
	Title  string  `json:"title"`
	Frames []Frame `json:"frames"`
}

// Frame is one moment of a film: keys, as they were read, or rows for what is no
// key, or both.
type Frame struct {
	Caption string `json:"caption"` // what has just happened
	// Millis is how long after the first frame it was taken; the page plays at this
	// pace. Zero in all frames of a film that goes in steps.
	Millis int64         `json:"at_ms,omitempty"`
	Keys   []picture.Key `json:"keys,omitempty"`
	Rows   []Row         `json:"rows,omitempty"`
}

// Row is one thing that is no key, such as a listener or a part of a table. Its
// name is the same in all frames.
type Row struct {
	Name  string `json:"name"`
	Note  string `json:"note,omitempty"` // how it is now: listens, away
	Cells []Cell `json:"cells"`
}

// Cell is one place of a row: a message, a bucket. A cell that is alone in its row
// takes all of it.
type Cell struct {
	Text string `json:"text,omitempty"` // empty: nothing is known of this place
	Mark Shade  `json:"mark,omitempty"`
}

// Shade says what a cell has to do with its frame.
type Shade string

// The shades of a cell.
const (
	Blank Shade = ""      // not reached
	New   Shade = "new"   // happens in this frame
	Old   Shade = "old"   // happened in an earlier one
	Wrong Shade = "wrong" // happens in this frame, and should not
)

// Frame takes a picture of keys of this run, by their short names, as they are
// now, to be put into a Film.
func (r *Run) Frame(ctx context.Context, caption string, names ...string) (Frame, error) {
	full := make([]string, len(names))
	for i, n := range names {
		full[i] = r.Key(n)
	}
	shots, err := picture.Many(ctx, r.client, full, r.Short)
	if err != nil {
		return Frame{}, fmt.Errorf("unit %s: picture of %s: %w", r.unit.ID, strings.Join(names, ", "), err)
	}
	return Frame{Caption: caption, Keys: shots}, nil
}

// Film shows successive pictures. One without frames is left out.
func (r *Run) Film(f Film) {
	if len(f.Frames) > 0 {
		r.emit(f)
	}
}

// Longest is the longest time that each key of a film had to live, in
// milliseconds, by its name: what a bar of its time is held against.
func (f Film) Longest() map[string]int64 {
	longest := map[string]int64{}
	for _, frame := range f.Frames {
		for _, k := range frame.Keys {
			longest[k.Name] = max(longest[k.Name], k.TTL)
		}
	}
	return longest
}
