package keyspace

import (
	"context"
	"fmt"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// table is a database of so few keys that one can look into its hash table.
type table struct {
	rdb  *redis.Client
	size uint64              // buckets
	keys map[uint64][]string // what each holds
	at   map[string]uint64   // the bucket of each key
}

// after is the bucket that SCAN looks at next: it counts up from the highest bit
// of the number, so that the buckets that become one when the table shrinks follow
// each other.
func (t *table) after(bucket uint64) uint64 {
	return bits.Reverse64(bits.Reverse64(bucket|^(t.size-1)) + 1)
}

// between lists the buckets that one call looked at, by the cursors before it and
// after it.
func (t *table) between(cursor, next uint64) []uint64 {
	next &= t.size - 1
	out := []uint64{cursor & (t.size - 1)}
	for b := t.after(out[0]); b != next && b != 0; b = t.after(b) {
		out = append(out, b)
	}
	return out
}

// tableSize is what the server says of its hash table for a database.
var tableSize = regexp.MustCompile(`table size: (\d+)`)

// settle waits until the table has at most so many buckets, and keys no longer move
// into it.
func (t *table) settle(ctx context.Context, atMost uint64) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		stats, err := t.rdb.Do(ctx, "DEBUG", "HTSTATS", 1).Text()
		if err != nil {
			return err
		}
		ofKeys, _, _ := strings.Cut(stats, "[Expires HT]")
		sizes := tableSize.FindAllStringSubmatch(ofKeys, -1)
		if len(sizes) == 1 { // two: it is on its way from one to the other
			if t.size, err = strconv.ParseUint(sizes[0][1], 10, 64); err != nil || t.size <= atMost {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look finds out which bucket holds which keys: with COUNT 1 a reply ends with the
// first bucket that holds any.
func (t *table) look(ctx context.Context) error {
	t.keys, t.at = map[uint64][]string{}, map[string]uint64{}
	for cursor, done := uint64(0), false; !done; {
		names, next, err := t.rdb.Scan(ctx, cursor, "", 1).Result()
		if err != nil {
			return err
		}
		walked := t.between(cursor, next)
		for _, name := range names {
			bucket := walked[len(walked)-1]
			t.at[name], t.keys[bucket] = bucket, append(t.keys[bucket], name)
		}
		cursor, done = next, next == 0
	}
	return nil
}

// walk is what a film shows of a walk over a table.
type walk struct {
	*table
	shelves uint64 // rows of the film
	cells   map[uint64]unit.Cell
	frames  []unit.Frame
}

// take adds a frame: in these buckets something was found, or not. What was new in
// it is old in the next.
func (w *walk) take(caption string, looked []uint64, found []string, again map[string]bool) {
	for _, b := range looked {
		w.cells[b] = unit.Cell{Text: "–", Mark: unit.New}
	}
	for _, name := range found {
		b := w.at[name] & (w.size - 1)
		cell := unit.Cell{Text: strings.TrimPrefix(w.cells[b].Text+" "+name, "– "), Mark: unit.New}
		if again[name] || w.cells[b].Mark == unit.Wrong {
			cell.Mark = unit.Wrong
		}
		w.cells[b] = cell
	}
	w.frames = append(w.frames, unit.Frame{Caption: caption, Rows: w.rows()})
	for b, cell := range w.cells {
		w.cells[b] = unit.Cell{Text: cell.Text, Mark: unit.Old}
	}
}

// rows sets the buckets out in the order of the walk. Those of one row become one
// bucket when the table shrinks to as many buckets as there are rows.
func (w *walk) rows() []unit.Row {
	var rows []unit.Row
	for b, first := uint64(0), true; first || b != 0; b, first = w.after(b), false {
		if b < w.shelves {
			rows = append(rows, unit.Row{Name: fmt.Sprintf("from bucket %d", b)})
		}
		row := &rows[len(rows)-1]
		row.Cells = append(row.Cells, w.cells[b])
	}
	return rows
}
