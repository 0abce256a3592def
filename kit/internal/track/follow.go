package track

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// looksMissed is after how many checks without a picture of the topology Live
// is false: nobody knows any more whether the links lead to every master.
const looksMissed = 3

// follower is one Run: it keeps a link to each master there is.
type follower struct {
	*Tracker
	fail  context.CancelCauseFunc // ends the Run
	wg    sync.WaitGroup          // of the links
	kick  chan struct{}           // a link was lost: look at the topology now
	byID  map[string]*link
	slots string // the picture that the links are of
	seen  int64  // when it was confirmed; never if that is too long ago
}

// follow looks at the topology once per check, and sooner when a link is lost.
// It returns nil when ctx has ended, and what a link or a look cannot mend.
func (f *follower) follow(ctx context.Context) error {
	for unknown := false; ; {
		if err := f.look(ctx); err != nil && ctx.Err() == nil {
			// A cluster client also says so of a node that it has just forgotten.
			closed := unknown && errors.Is(err, redis.ErrClosed)
			if closed || errors.Is(err, ErrUnsupported) {
				return err
			}
			f.log(ctx, unknown, "track: the topology is unknown", slog.Any("error", err))
			unknown = true
		} else {
			unknown = false
		}
		if !sleep(ctx, f.options.Check/10) { // many lost links are one reason to look
			return f.cause(ctx)
		}
		select {
		case <-ctx.Done():
			return f.cause(ctx)
		case <-f.kick:
		case <-time.After(f.options.Check * 9 / 10):
		}
	}
}

// cause is why the Run ends, nil if that is what the caller wanted.
func (f *follower) cause(ctx context.Context) error {
	if err := context.Cause(ctx); errors.Is(err, ErrUnsupported) {
		return err
	}
	return nil
}

// look compares the topology with the links, and makes them equal.
func (f *follower) look(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, f.options.Check)
	defer cancel()
	p, err := f.topology.look(limited)
	if f.seen != never && expired(&f.looked, f.now()-looksMissed*int64(f.options.Check)) {
		f.seen = never
		f.options.OnReset()
	}
	if err != nil {
		return err
	}
	if f.match(ctx, p) {
		f.options.OnReset()
	}
	now := f.now()
	if !f.looked.CompareAndSwap(f.seen, now) { // it expired just now
		f.options.OnReset()
		f.looked.Store(now)
	}
	f.seen = now
	return nil
}

// match starts and stops links until they are those of the picture, and reports
// whether there was another picture before. A new link is not proven, so from
// here on Live is false.
func (f *follower) match(ctx context.Context, p picture) (changed bool) {
	known := len(f.byID) > 0
	for id, l := range f.byID {
		if _, ok := p.masters[id]; !ok {
			f.options.Logger.InfoContext(ctx, "track: a master is gone", slog.String("master", id))
			l.stop()
			delete(f.byID, id)
			changed = true
		}
	}
	for id, m := range p.masters {
		if f.byID[id] == nil {
			f.options.Logger.InfoContext(ctx, "track: a new master", slog.String("master", id))
			f.byID[id] = f.start(ctx, m)
			changed = true
		}
	}
	if changed {
		links := make([]*link, 0, len(f.byID))
		for _, l := range f.byID {
			links = append(links, l)
		}
		f.links.Store(&links)
	}
	changed = changed || f.slots != p.slots
	f.slots = p.slots
	return known && changed
}

// start starts a link, which runs until it is stopped or the Run ends.
func (f *follower) start(ctx context.Context, m master) *link {
	ctx, cancel := context.WithCancel(ctx)
	l := &link{Tracker: f.Tracker, master: m, stop: cancel}
	l.proven.Store(never)
	f.wg.Go(func() {
		defer cancel()
		for attempt := 0; ; attempt++ {
			began := time.Now()
			err := l.session(ctx)
			if ctx.Err() != nil {
				return
			}
			if errors.Is(err, ErrUnsupported) {
				f.fail(err)
				return
			}
			if time.Since(began) > f.options.Check {
				attempt = 0
			}
			f.log(ctx, attempt > 0, "track: not connected", slog.String("addr", m.options.Addr), slog.Any("error", err))
			select {
			case f.kick <- struct{}{}:
			default:
			}
			sleep(ctx, pause(attempt))
		}
	})
	return l
}

// pause is how long to wait before the attempt after this one: 20 ms, doubled up
// to a second, of which a random half is left out so that a restarted server
// does not meet all its clients at once.
func pause(attempt int) time.Duration {
	d := min(20*time.Millisecond<<min(attempt, 6), time.Second)
	return d/2 + rand.N(d/2)
}

// log tells of a trouble: once as a warning, and at debug level while it lasts.
func (f *follower) log(ctx context.Context, again bool, message string, attrs ...slog.Attr) {
	level := slog.LevelWarn
	if again {
		level = slog.LevelDebug
	}
	f.options.Logger.LogAttrs(ctx, level, message, attrs...)
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
