package plaza

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"sync/atomic"
	"time"
)

// office is the origin: the database of all tolls.
type office struct {
	delay    time.Duration
	midnight atomic.Bool // has passed, and with it the old tolls
}

const (
	oldToll = "the old toll"
	newToll = "the new toll"
)

// load is a query for one tariff.
func (o *office) load(ctx context.Context, _ string) (string, error) {
	if o.delay > 0 {
		select {
		case <-time.After(o.delay):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	if o.midnight.Load() {
		return newToll, nil
	}
	return oldToll, nil
}

// tariff is the name of the n-th tariff: where a vehicle came in, where it leaves, and of
// which class it is.
func tariff(n int) string { return fmt.Sprintf("tariff-%d", n) }

// traffic draws which tariff the next car needs: the n-th as often as its rank has it,
// 1/n. The same cars come in each run.
type traffic struct {
	chance *rand.Rand
	upTo   []float64 // of all weights, those up to this rank
}

func newTraffic(tariffs int, seed uint64) *traffic {
	c := &traffic{chance: rand.New(rand.NewPCG(3, seed)), upTo: make([]float64, tariffs)}
	total := 0.0
	for i := range c.upTo {
		total += math.Pow(float64(i+1), -1)
		c.upTo[i] = total
	}
	return c
}

func (c *traffic) next() int {
	return sort.SearchFloat64s(c.upTo, c.chance.Float64()*c.upTo[len(c.upTo)-1])
}
