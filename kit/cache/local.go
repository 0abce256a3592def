package cache

import (
	"fmt"
	"hash/maphash"
	"math"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// local is the first layer. A nil one holds nothing.
//
// Invalidations arrive as Redis keys and not as K. So values are not removed by
// key: each bears the epoch of its stripe, as it was before Redis was asked for
// it, and an invalidation moves the epoch of the stripe on. A value whose epoch
// has passed is none; one that was asked for before an invalidation and arrives
// after it never is one. Stripes are several times as many as values, so few
// others go along.
type local[K comparable, V any] struct {
	values *otter.Cache[K, *localValue[V]]
	ttl    time.Duration
	start  time.Time // of the times below
	seed   maphash.Seed
	epochs []atomic.Uint32
	hits   [hitShards]shard
}

// hits are counted in several places, for all processors write them.
const hitShards = 16

type shard struct {
	n atomic.Int64
	_ [56]byte // a cache line each
}

// localValue is a decoded entry. It is not changed once it is there.
type localValue[V any] struct {
	value  V
	err    error // ErrNotFound, for the note that there is none
	header header
	epoch  epoch
	until  time.Duration // since start
	weight uint32
}

// epoch is the state of a stripe at a moment.
type epoch struct{ stripe, count uint32 }

// The bounds of how many stripes there are, powers of two of four bytes each.
const (
	minStripes = 1 << 10
	maxStripes = 1 << 20
	forBytes   = 1 << 16 // where the number of values is not known
)

// newLocal returns nil where no layer is wanted.
func newLocal[K comparable, V any](o Local) (*local[K, V], error) {
	if !o.enabled() {
		return nil, nil
	}
	// Without otter's own expiry, which would keep a goroutine: a value that is over
	// stays in memory until it is replaced, or makes room for another.
	options := &otter.Options[K, *localValue[V]]{}
	stripes := forBytes
	if o.Entries > 0 {
		options.MaximumSize = o.Entries
		for stripes = minStripes; stripes < 4*o.Entries && stripes < maxStripes; {
			stripes *= 2
		}
	} else {
		options.MaximumWeight = uint64(o.Bytes)
		options.Weigher = func(_ K, v *localValue[V]) uint32 { return v.weight }
	}
	values, err := otter.New(options)
	if err != nil {
		return nil, fmt.Errorf("cache: Options.Local: %w", err)
	}
	return &local[K, V]{
		values: values,
		ttl:    o.TTL,
		start:  time.Now(),
		seed:   maphash.MakeSeed(),
		epochs: make([]atomic.Uint32, stripes),
	}, nil
}

// get returns what stands here for a key, or nil.
func (l *local[K, V]) get(key K) *localValue[V] {
	if l == nil {
		return nil
	}
	v, ok := l.values.GetIfPresent(key)
	if !ok || !l.stands(v) {
		return nil
	}
	l.hits[v.epoch.stripe%hitShards].n.Add(1)
	return v
}

// stands reports whether a value may be answered with.
func (l *local[K, V]) stands(v *localValue[V]) bool {
	return l.epochs[v.epoch.stripe].Load() == v.epoch.count && time.Since(l.start) < v.until
}

// epoch is to be read before Redis is asked for what will be filled in.
func (l *local[K, V]) epoch(n name) epoch {
	if l == nil {
		return epoch{}
	}
	stripe := l.stripe(n.text)
	return epoch{stripe, l.epochs[stripe].Load()}
}

func (l *local[K, V]) stripe(text string) uint32 {
	return uint32(maphash.String(l.seed, text)) & uint32(len(l.epochs)-1)
}

// fill keeps what Redis holds, for as long as it is fresh.
func (l *local[K, V]) fill(key K, n name, f *found[V], e epoch, fresh time.Duration) {
	ttl := time.Duration(0)
	if l != nil {
		ttl = min(l.ttl, fresh)
	}
	if ttl <= 0 {
		return
	}
	v := &localValue[V]{value: f.value, err: notFound(n, f.header), header: f.header, epoch: e, until: time.Since(l.start) + ttl}
	v.weight = uint32(min(max(f.size, 1), math.MaxUint32))
	l.values.Set(key, v)
}

// drop makes what stands here for these entries, or is on its way, worthless.
func (l *local[K, V]) drop(names ...name) {
	if l == nil {
		return
	}
	for _, n := range names {
		l.epochs[l.stripe(n.text)].Add(1)
	}
}

// reset drops everything.
func (l *local[K, V]) reset() {
	if l == nil {
		return
	}
	for i := range l.epochs {
		l.epochs[i].Add(1)
	}
	l.values.InvalidateAll()
}

// has is get for those who only look.
func (l *local[K, V]) has(key K) bool {
	if l == nil {
		return false
	}
	v, ok := l.values.GetEntryQuietly(key)
	return ok && l.stands(v.Value)
}

// counts returns the hits, and how many values there are about.
func (l *local[K, V]) counts() (hits int64, entries int) {
	if l == nil {
		return 0, 0
	}
	for i := range l.hits {
		hits += l.hits[i].n.Load()
	}
	return hits, l.values.EstimatedSize()
}
