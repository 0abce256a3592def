package warm

import (
	"errors"
	"slices"
	"time"
)

// Progress is how far a Run is.
type Progress[K comparable] struct {
	// Done counts the keys that were dealt with, those of Options.Skip included.
	Done int
	// Total is Options.Total; 0 for unknown.
	Total int
	// Loaded counts the keys that the origin had and the cache had not.
	Loaded int
	// Failed counts the keys that could not be had.
	Failed int
	// Errors are the first errors, one for each batch.
	Errors []error
	// Cursor is how many keys from the beginning are dealt with, without a gap: go
	// on there with Options.Skip.
	Cursor int
	// Last is the last key before Cursor, for sources that go on after a key. Zero
	// when this Run has dealt with none.
	Last K
	// Elapsed is the time since the begin of Run.
	Elapsed time.Duration
	// Left is how long the rest will take at this pace; 0 when Total is unknown or
	// nothing is done yet.
	Left time.Duration
}

// batch is a part of the keys, and where it begins.
type batch[K comparable] struct {
	first int
	keys  []K
}

// tally keeps the progress. Its owner locks.
type tally[K comparable] struct {
	o      Options[K]
	begun  time.Time
	now    Progress[K]
	beyond map[int]batch[K] // dealt with, behind a gap, by where they begin
}

// add notes a batch that was dealt with.
func (t *tally[K]) add(b batch[K], loaded, failed int, err error) {
	t.now.Done += len(b.keys)
	t.now.Loaded += loaded
	t.now.Failed += failed
	if err != nil && len(t.now.Errors) < t.o.KeepErrors {
		t.now.Errors = append(t.now.Errors, err)
	}
	t.beyond[b.first] = b
	for {
		next, ok := t.beyond[t.now.Cursor]
		if !ok {
			return
		}
		delete(t.beyond, next.first)
		t.now.Cursor += len(next.keys)
		t.now.Last = next.keys[len(next.keys)-1]
	}
}

// progress is a copy that nobody changes any more.
func (t *tally[K]) progress() Progress[K] {
	p := t.now
	p.Errors = slices.Clone(p.Errors)
	if t.begun.IsZero() {
		return p
	}
	p.Elapsed = time.Since(t.begun)
	if here := p.Done - t.o.Skip; here > 0 && p.Total > p.Done {
		p.Left = time.Duration(float64(p.Elapsed) / float64(here) * float64(p.Total-p.Done))
	}
	return p
}

// enough reports whether the share of Options.ReadyAt is done.
func (t *tally[K]) enough() bool {
	return t.o.Total > 0 && float64(t.now.Done) >= t.o.ReadyAt*float64(t.o.Total)
}

// err is what Run returns when it came to the end of the keys.
func (t *tally[K]) err() error {
	if t.now.Failed == 0 {
		return nil
	}
	return errors.Join(append([]error{ErrFailed}, t.now.Errors...)...)
}
