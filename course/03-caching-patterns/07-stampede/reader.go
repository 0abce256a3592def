package stampede

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"math"
	mrand "math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"
)

// leaseLife is how long a process that died while it loaded holds up the others.
const leaseLife = 2 * time.Second

// way says what a process does against a stampede.
type way struct {
	name, label string

	single bool // one load at a time in this process
	lease  bool // one load at a time in all processes; implies single
	early  bool // XFetch: before the end, by lot, in the background
	stale  bool // after the end, with the old page meanwhile, in the background
	jitter bool // ends spread by up to half in both directions
	kit    bool
}

var ways = []way{
	{name: "none", label: "nothing"},
	{name: "single", label: "single flight", single: true},
	{name: "lease", label: "lease", lease: true},
	{name: "xfetch", label: "early refresh", early: true},
	{name: "early", label: "early refresh, lease", early: true, lease: true},
	{name: "stale", label: "stale while revalidate", stale: true, lease: true},
	{name: "jitter", label: "jitter", jitter: true},
	{name: "kit", label: "kit/cache", kit: true},
}

// fetcher is one process that reads pages. Fetch tells whether the caller had to wait
// for a load; what it began in the background ends with settle.
type fetcher interface {
	fetch(ctx context.Context, key string) (waited bool, err error)
	fill(ctx context.Context, keys []string) error
	settle()
}

// reader is a process that does what its way says, written out.
type reader struct {
	way
	rdb        *redis.Client
	origin     *origin
	ttl        time.Duration
	flights    singleflight.Group
	background sync.WaitGroup
}

// page is what is stored, and for how long it is fresh.
type page struct {
	took time.Duration // to make
	left time.Duration
}

// fetch is one request.
func (r *reader) fetch(ctx context.Context, key string) (waited bool, err error) {
	p, ok, err := r.look(ctx, key)
	if err != nil || ok && !r.due(p) {
		return false, err
	}
	if ok {
		r.refresh(ctx, key)
		return false, nil
	}
	return true, r.miss(ctx, key)
}

// region: due

// due says whether somebody should load now though there is a page.
func (r *reader) due(p page) bool {
	switch {
	case r.early: // XFetch: the nearer the end, the likelier
		return -math.Log(1-mrand.Float64())*float64(p.took) >= float64(p.left)
	case r.stale:
		return p.left <= 0
	}
	return false
}

// endregion

// region: miss

// miss is a request that finds nothing.
func (r *reader) miss(ctx context.Context, key string) error {
	switch {
	case r.lease:
		_, err, _ := r.flights.Do(key, func() (any, error) { return nil, r.loadLeased(ctx, key) })
		return err
	case r.single:
		_, err, _ := r.flights.Do(key, func() (any, error) {
			// Again: a flight may have ended since this reader looked.
			if _, ok, err := r.look(ctx, key); ok || err != nil {
				return nil, err
			}
			return nil, r.load(ctx, key)
		})
		return err
	}
	return r.load(ctx, key)
}

// endregion

// refresh loads in the background: whoever draws the lot, or with a lease one of them.
func (r *reader) refresh(ctx context.Context, key string) {
	ctx = context.WithoutCancel(ctx)
	r.background.Go(func() {
		if !r.lease {
			_ = r.load(ctx, key) // the old page stands
			return
		}
		_, _, _ = r.flights.Do(key, func() (any, error) {
			token := rand.Text()
			mine, err := r.rdb.SetNX(ctx, lease(key), token, leaseLife).Result()
			if err == nil && mine {
				err = r.loadAndRelease(ctx, key, token)
			}
			return nil, err
		})
	})
}

// region: leased

// loadLeased loads, or waits until another process has loaded.
func (r *reader) loadLeased(ctx context.Context, key string) error {
	token, begun := rand.Text(), time.Now()
	for {
		mine, err := r.rdb.SetNX(ctx, lease(key), token, leaseLife).Result()
		if err != nil {
			return err
		}
		// Also with the lease in hand: another one may have stored just before.
		if p, ok, err := r.look(ctx, key); err != nil || ok && p.left > 0 {
			if mine {
				_ = release.Run(ctx, r.rdb, []string{lease(key)}, token).Err()
			}
			return err
		}
		if mine {
			return r.loadAndRelease(ctx, key, token)
		}
		// Nobody learns of the page more than a quarter too late, and not all ask at once.
		wait := min(max(time.Since(begun)/8, 5*time.Millisecond), 100*time.Millisecond)
		time.Sleep(wait + mrand.N(wait))
	}
}

// endregion

// loadAndRelease loads under a lease and gives it back, if it is still there.
func (r *reader) loadAndRelease(ctx context.Context, key, token string) error {
	err := r.load(ctx, key)
	return errors.Join(err, release.Run(ctx, r.rdb, []string{lease(key)}, token).Err())
}

//go:embed release.lua
var releaseLua string

var release = redis.NewScript(releaseLua)

// load makes the page and stores it.
func (r *reader) load(ctx context.Context, key string) error {
	took, err := r.origin.load(ctx)
	if err != nil {
		return err
	}
	return r.store(ctx, r.rdb, key, took)
}

// oldest is for how long after its end a page is still shown, where that is done.
const oldest = 5 * time.Second

// store keeps a page.
func (r *reader) store(ctx context.Context, rdb redis.Cmdable, key string, took time.Duration) error {
	life := r.ttl
	if r.jitter {
		life += time.Duration((mrand.Float64() - 0.5) * float64(r.ttl))
	}
	return rdb.Set(ctx, key, fmt.Sprintf("%d results", took.Microseconds()), life+r.staleFor()).Err()
}

func (r *reader) staleFor() time.Duration {
	if r.stale {
		return oldest
	}
	return 0
}

// look reads a page and how long it has left, in one round trip.
func (r *reader) look(ctx context.Context, key string) (p page, ok bool, err error) {
	pipe := r.rdb.Pipeline()
	text, left := pipe.Get(ctx, key), pipe.PTTL(ctx, key)
	if _, err := pipe.Exec(ctx); errors.Is(err, redis.Nil) {
		return page{}, false, nil
	} else if err != nil {
		return page{}, false, err
	}
	var took int64
	if _, err := fmt.Fscan(strings.NewReader(text.Val()), &took); err != nil {
		return page{}, false, err
	}
	return page{took: time.Duration(took) * time.Microsecond, left: left.Val() - r.staleFor()}, true, nil
}

// fill stores many pages at once.
func (r *reader) fill(ctx context.Context, keys []string) error {
	_, err := r.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, key := range keys {
			_ = r.store(ctx, pipe, key, r.origin.delay) // Pipelined returns its error
		}
		return nil
	})
	return err
}

// settle waits for what is loaded in the background.
func (r *reader) settle() { r.background.Wait() }

// lease is the key of the lease that belongs to a page.
func lease(key string) string { return key + ":lease" }
