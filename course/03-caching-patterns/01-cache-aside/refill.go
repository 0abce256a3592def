package aside

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

// recalls is how many products are recalled while a till loads them.
const recalls = 20

// refiller is one way to read and to forget, for the slow refill.
type refiller struct {
	name, label string
	tone        unit.Tone
	ask         func(ctx context.Context, code int, load loader) (string, error)
	forget      func(ctx context.Context, code int) error
}

// refilling recalls products while a till has read them from the database and not yet
// stored them.
func refilling(ctx context.Context, r *unit.Run) error {
	r.Step("%d recalls. Each time a till has just read the product from the database, and is slow to store it.", recalls)
	products, err := cache.New(r.Redis(), cache.Options[int, string]{Name: r.Space("recall"), TTL: life})
	if err != nil {
		return err
	}
	key := func(way string, code int) string {
		r.Key(fmt.Sprintf("%s:%d:lease", way, code))
		return r.Key(fmt.Sprintf("%s:%d", way, code))
	}
	table := unit.Table{Title: fmt.Sprintf("%d recalls during a load", recalls), Columns: []string{"", "the till that was loading says: sell", "every later till says: sell", "for how long"}}
	chart := unit.Chart{Kind: unit.Bars, Title: "Recalled, and the cache says: sell", Unit: "products", Series: []unit.Series{{Name: "products"}}}
	for _, w := range []refiller{
		{"naive", "cache-aside, naive", unit.Bad,
			func(ctx context.Context, code int, load loader) (string, error) {
				return naive(ctx, r.Redis(), key("old", code), load)
			},
			func(ctx context.Context, code int) error { return forget(ctx, r.Redis(), key("old", code)) }},
		{"leased", "notes and a lease", unit.Good,
			func(ctx context.Context, code int, load loader) (string, error) {
				return leased(ctx, r.Redis(), key("new", code), load)
			},
			func(ctx context.Context, code int) error { return forget(ctx, r.Redis(), key("new", code)) }},
		{"kit", "kit/cache", unit.Good,
			func(ctx context.Context, code int, load loader) (string, error) {
				return products.Fetch(ctx, code, func(ctx context.Context, _ int) (string, error) { return load(ctx) })
			},
			func(ctx context.Context, code int) error { return products.Invalidate(ctx, code) }},
	} {
		first, later, left := 0, 0, time.Duration(0)
		db := newDatabase(recalls, 0)
		for code := range recalls {
			told, after, err := w.recall(ctx, db, code)
			if err != nil {
				return err
			}
			if sells(told) {
				first++
			}
			if sells(after) {
				later++
				left = max(left, r.Redis().PTTL(ctx, key("old", code)).Val())
			}
		}
		howLong := "–"
		if later > 0 {
			howLong = left.Round(time.Second).String()
		}
		table.Rows = append(table.Rows, []string{w.label, fmt.Sprint(first), fmt.Sprint(later), howLong})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: w.label, Y: float64(later)})
		r.Metric(unit.Metric{Name: "stale_" + w.name, Label: "recalled and still sold, " + w.label, Value: float64(later), Tone: w.tone})
		r.Metric(unit.Metric{Name: "told_" + w.name, Label: "tills that were told: sell, " + w.label, Value: float64(first), Minor: true})
	}
	r.Table(table)
	r.Chart(chart)
	r.Metric(unit.Metric{Name: "refused_kit", Label: "stores that kit/cache refused", Value: float64(products.Stats().Refused), Minor: true})
	return nil
}

// recall has a till load a product, recalls it meanwhile, and returns what that till
// was told, and then what the next one was.
func (w refiller) recall(ctx context.Context, db *database, code int) (told, after string, err error) {
	read, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var till sync.WaitGroup
	var tillErr error
	till.Go(func() {
		told, tillErr = w.ask(ctx, code, func(context.Context) (string, error) {
			row, err := db.row(code)
			once.Do(func() { // a second load finds nobody in its way
				close(read)
				<-goOn
			})
			return row, err
		})
	})
	<-read
	db.recall(code)
	err = w.forget(ctx, code)
	close(goOn)
	till.Wait()
	if err == nil {
		err = tillErr
	}
	if err != nil {
		return "", "", err
	}
	after, err = w.ask(ctx, code, db.load(code))
	return told, after, err
}

// sells says whether a till that reads this lets the product go.
func sells(row string) bool { return strings.Contains(row, `"sell":true`) }
