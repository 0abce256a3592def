package canteen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// seen is what a till showed of the kitchen's changes.
type seen struct {
	late  []time.Duration // of each page, until the till showed the new recipe
	asked float64         // of a hundred reads of the till, those that went to Redis
}

// longest and half are over all pages, in milliseconds.
func (s seen) longest() float64 { return float64(slices.Max(s.late)) / 1e6 }

func (s seen) half() float64 {
	all := slices.Clone(s.late)
	slices.Sort(all)
	return float64(all[len(all)/2]) / 1e6
}

// measuring changes every dish once, each way, with messages that arrive and with
// messages that are lost, all at the same time, on the same Redis.
func measuring(ctx context.Context, r *unit.Run) error {
	if r.Embedded() {
		r.Step("For how long a till is wrong is measured on a real Redis alone.")
		return nil
	}
	dishes := r.Int("dishes")
	r.Step("11:40: the kitchen changes %d dishes, %d pages each, eight ways. A till on another node reads them all, again and again. Once all messages arrive, once they are lost (%s).",
		dishes, len(pages), r.Text("loss"))
	arrived, lost := make([]seen, len(ways)), make([]seen, len(ways))
	errs := make([]error, 2*len(ways))
	err := r.Waiting("11:40", func() error {
		var all sync.WaitGroup
		for i, w := range ways {
			all.Go(func() { arrived[i], errs[2*i] = w.measure(ctx, r, false) })
			all.Go(func() { lost[i], errs[2*i+1] = w.measure(ctx, r, true) })
		}
		all.Wait()
		return errors.Join(errs...)
	})
	if err != nil {
		return err
	}
	report(r, arrived, lost)
	return nil
}

// measure has a kitchen change all dishes one way, and a till read them.
func (w way) measure(ctx context.Context, r *unit.Run, lost bool) (seen, error) {
	ctx, end := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer end()
	n := names{r, fmt.Sprintf("%s-%t", w.name, lost)}
	d := newRecipes(r.Int("dishes"))
	toTill, toRedis := &wire{fails: r.Text("loss"), pushes: true}, &wire{fails: cut}
	t, err := w.open(ctx, r, n, d, toTill, &running)
	if err != nil {
		return seen{}, fmt.Errorf("%s: the till: %w", w.label, err)
	}
	k := &kitchen{names: n, rdb: r.Client("kitchen", toRedis.options)}
	if k.kit, err = openKit(k.rdb, n, t.ttl, cache.Local{}); err != nil {
		return seen{}, err
	}
	loses := toRedis
	if w.pushed() {
		loses = toTill
	}
	warm, told := make(chan struct{}), make(chan error, 1)
	running.Go(func() {
		select {
		case <-warm:
			told <- w.changeAll(ctx, k, d, loses, lost)
		case <-ctx.Done():
		}
	})
	late, err := t.watch(ctx, warm, told)
	if err != nil {
		return seen{}, fmt.Errorf("%s: %w", w.label, err)
	}
	return seen{late, t.asked()}, nil
}

// changeAll is what the kitchen does at 11:40. When its message is lost it goes on all
// the same, as one does.
func (w way) changeAll(ctx context.Context, k *kitchen, d *recipes, loses *wire, lost bool) error {
	loses.set(lost)
	defer loses.set(false)
	for dish := range d.number {
		d.change(dish)
		if err := w.tell(k, ctx, dish); err != nil && !lost {
			return err
		}
	}
	return nil
}

// pause is between two looks at all pages, and so the least that can be measured.
const pause = 2 * time.Millisecond

// watch reads all pages again and again, until each has shown its new recipe, and
// returns how long that took, from the change of its dish. The pages come one after the
// other into the cache, so that their copies end at different moments; then it is warm.
func (t *till) watch(ctx context.Context, warm chan<- struct{}, told <-chan error) ([]time.Duration, error) {
	late := make([]time.Duration, len(t.recipes.number)*len(pages))
	begun, open := time.Now(), 0
	for left := len(late); left > 0; time.Sleep(pause) {
		select {
		case err := <-told:
			if err != nil {
				return nil, err
			}
		default:
		}
		for i := range open {
			if late[i] > 0 {
				continue
			}
			dish := i / len(pages)
			recipe, err := t.read(ctx, dish, pages[i%len(pages)])
			if err != nil {
				return nil, err
			}
			if recipe > 0 {
				late[i] = t.recipes.since(dish)
				left--
			}
		}
		if open == len(late) {
			continue
		}
		if open = min(len(late), int(float64(len(late))*float64(time.Since(begun))/float64(t.copies.life))); open == len(late) {
			close(warm)
		}
	}
	return late, nil
}
