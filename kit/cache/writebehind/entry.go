package writebehind

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Write is one write on its way to the database: the newest of its key.
type Write[K comparable, V any] struct {
	// Key that was written.
	Key K
	// Value that it was given; the zero value if Deleted.
	Value V
	// Deleted says that the key was deleted.
	Deleted bool
	// Version grows with each write of a key, also over a restart of Redis and over
	// the loss of its data. A database that keeps it refuses what comes late.
	Version int64
	// Since is when the oldest write that this one stands for was accepted, by
	// Redis's clock. Zero in what Pending returns.
	Since time.Time
	// Attempt is 1 the first time that the sink gets this write, and grows with
	// each failure. Zero in what Pending returns.
	Attempt int
}

// entry is what Redis holds for a pending key:
// "<version> <tries> <attempts> <failed_ms> <op> <payload>".
type entry struct {
	field    string // the key as text
	version  int64
	tries    int   // failures since the last success, of any version
	attempts int   // failures of this version that count
	failedMS int64 // of the last one, by Redis's clock; 0 for none
	deleted  bool
	payload  string
	sinceMS  int64
}

// The operations of an entry.
const (
	opPut    = "P"
	opDelete = "D"
)

func parseEntry(field, text string) (entry, error) {
	e := entry{field: field}
	parts := strings.SplitN(text, " ", 6)
	if len(parts) != 6 || parts[4] != opPut && parts[4] != opDelete {
		return e, fmt.Errorf("not an entry: %.40q", text)
	}
	var errs [4]error
	e.version, errs[0] = strconv.ParseInt(parts[0], 10, 64)
	e.tries, errs[1] = strconv.Atoi(parts[1])
	e.attempts, errs[2] = strconv.Atoi(parts[2])
	e.failedMS, errs[3] = strconv.ParseInt(parts[3], 10, 64)
	for _, err := range errs {
		if err != nil {
			return e, fmt.Errorf("not an entry: %.40q: %w", text, err)
		}
	}
	e.deleted, e.payload = parts[4] == opDelete, parts[5]
	return e, nil
}

// write is the entry as its user sees it.
func (w *Writer[K, V]) write(e entry) (Write[K, V], error) {
	key, err := w.o.ParseKey(e.field)
	if err != nil {
		return Write[K, V]{}, fmt.Errorf("parse the key %q: %w", e.field, err)
	}
	write := Write[K, V]{Key: key, Deleted: e.deleted, Version: e.version}
	if e.sinceMS > 0 {
		write.Since, write.Attempt = time.UnixMilli(e.sinceMS), e.tries+1
	}
	if !e.deleted {
		if write.Value, err = w.o.Codec.Decode(w.shards[w.shardOf(e.field)].place(e.field), []byte(e.payload)); err != nil {
			return write, fmt.Errorf("decode the value of %q: %w", e.field, err)
		}
	}
	return write, nil
}
