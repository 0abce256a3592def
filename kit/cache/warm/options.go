package warm

import (
	"fmt"
	"math"
	"time"
)

// The defaults of Options.
const (
	DefaultRate        = 500
	DefaultBatch       = 50
	DefaultConcurrency = 2
	DefaultReadyAt     = 1.0
	DefaultReadyAfter  = 30 * time.Second
	DefaultEvery       = time.Second
	DefaultKeepErrors  = 5
)

// Options of a Warmer. Zero Options work.
type Options[K comparable] struct {
	// Rate is how many keys a second may reach the origin. Zero is DefaultRate;
	// negative is without bound.
	Rate float64

	// Batch is how many keys are fetched together. Zero is DefaultBatch; negative is
	// an error.
	Batch int

	// Concurrency is how many batches are fetched at the same time. Zero is
	// DefaultConcurrency; negative is an error.
	Concurrency int

	// Total is how many keys there are, for the time that is left and for ReadyAt.
	// Zero is unknown; negative is an error.
	Total int

	// Skip leaves out the first keys: the Cursor of a Run that did not come to its
	// end, over the same keys in the same order. They count as done. Negative is an
	// error.
	Skip int

	// ReadyAt is the share of Total from which Ready is true. Zero is
	// DefaultReadyAt, all; below 0 and above 1 is an error.
	ReadyAt float64

	// ReadyAfter is how long after the begin of Run Ready is true whatever was done.
	// Zero is DefaultReadyAfter; negative is never, and then it is when Run ends.
	ReadyAfter time.Duration

	// OnProgress is told how far it is: after a batch, at most once in each Every,
	// and at the end. Calls do not overlap, and hold up the work. Nil is nobody.
	OnProgress func(Progress[K])

	// Every is the least time between two calls of OnProgress. Zero is DefaultEvery;
	// negative is none, so each batch is told.
	Every time.Duration

	// KeepErrors is how many of the first errors are kept. Zero is
	// DefaultKeepErrors; negative is none.
	KeepErrors int
}

func (o Options[K]) withDefaults() (Options[K], error) {
	fill(&o.Rate, DefaultRate)
	fill(&o.Batch, DefaultBatch)
	fill(&o.Concurrency, DefaultConcurrency)
	fill(&o.ReadyAt, DefaultReadyAt)
	fill(&o.ReadyAfter, DefaultReadyAfter)
	fill(&o.Every, DefaultEvery)
	fill(&o.KeepErrors, DefaultKeepErrors)
	bad := func(field, rule string, value any) (Options[K], error) {
		return o, fmt.Errorf("warm: Options.%s must %s, got %v", field, rule, value)
	}
	switch {
	case math.IsNaN(o.Rate):
		return bad("Rate", "be a number", o.Rate)
	case o.Batch < 0:
		return bad("Batch", "be positive", o.Batch)
	case o.Concurrency < 0:
		return bad("Concurrency", "be positive", o.Concurrency)
	case o.Total < 0:
		return bad("Total", "not be negative", o.Total)
	case o.Skip < 0:
		return bad("Skip", "not be negative", o.Skip)
	case !(o.ReadyAt > 0 && o.ReadyAt <= 1): // refuses NaN too
		return bad("ReadyAt", "be in 0..1", o.ReadyAt)
	}
	return o, nil
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
