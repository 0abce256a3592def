package aside

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache"
)

const (
	tills  = 16
	parts  = 10 // of the scans, for the chart
	misled = 10 // one scan in so many is of a code that does not exist
)

// way is one way to ask for a product.
type way struct {
	name, label string
	tone        unit.Tone
	ask         func(ctx context.Context, code int) (string, error)
	db          *database
}

// ways are the four of the load, each with a database of its own to count at.
func ways(r *unit.Run) ([]way, error) {
	rdb := r.Client("till", func(o *redis.Options) { o.PoolSize, o.ContextTimeoutEnabled = tills, true })
	all := []way{
		{name: "db", label: "the database alone"},
		{name: "naive", label: "cache-aside, naive", tone: unit.Bad},
		{name: "leased", label: "notes and a lease", tone: unit.Good},
		{name: "kit", label: "kit/cache", tone: unit.Good},
	}
	for i := range all {
		all[i].db = newDatabase(r.Int("products"), r.Duration("delay"))
	}
	db := all[0].db
	all[0].ask = func(ctx context.Context, code int) (string, error) { return db.load(code)(ctx) }
	for i, by := range map[int]func(context.Context, redis.Cmdable, string, loader) (string, error){1: naive, 2: leased} {
		name, db := all[i].name, all[i].db
		all[i].ask = func(ctx context.Context, code int) (string, error) {
			key := r.Key(fmt.Sprintf("%s:%d", name, code))
			r.Key(fmt.Sprintf("%s:%d:lease", name, code))
			return by(ctx, rdb, key, db.load(code))
		}
	}
	products, err := cache.New(rdb, cache.Options[int, string]{Name: r.Space("product"), TTL: life})
	if err != nil {
		return nil, err
	}
	all[3].ask = kitAsk(products, all[3].db)
	return all, nil
}

// region: kit

// kitAsk asks by the toolkit's cache. What does not exist is cache.ErrNotFound
// there.
func kitAsk(products *cache.Cache[int, string], db *database) func(context.Context, int) (string, error) {
	return func(ctx context.Context, code int) (string, error) {
		text, err := products.Fetch(ctx, code, func(ctx context.Context, code int) (string, error) {
			text, err := db.load(code)(ctx)
			return text, translate(err, errUnknown, cache.ErrNotFound)
		})
		return text, translate(err, cache.ErrNotFound, errUnknown)
	}
}

// endregion

// translate returns to where err is from, and otherwise err.
func translate(err, from, to error) error {
	if errors.Is(err, from) {
		return to
	}
	return err
}

// scans draws what the tills read: the n-th product as often as its rank has it,
// 1/n^skew, and some codes that no product has.
func scans(r *unit.Run) ([]int, error) {
	skew, err := strconv.ParseFloat(r.Text("skew"), 64)
	if err != nil {
		return nil, err
	}
	products := r.Int("products")
	upTo := make([]float64, products) // of all weights, those up to this rank
	total := 0.0
	for i := range upTo {
		total += math.Pow(float64(i+1), -skew)
		upTo[i] = total
	}
	chance := rand.New(rand.NewPCG(3, 1)) // the same scans in each run
	out := make([]int, r.Int("scans"))
	for i := range out {
		if out[i] = sort.SearchFloat64s(upTo, chance.Float64()*total); chance.IntN(misled) == 0 {
			out[i] = products + chance.IntN(r.Int("misreads"))
		}
	}
	return out, nil
}

// scan is one request: how long it took, and whether the database was asked.
type scan struct {
	took time.Duration
	hit  bool
}

// loading asks for the same products each way.
func loading(ctx context.Context, r *unit.Run) error {
	codes, err := scans(r)
	if err != nil {
		return err
	}
	all, err := ways(r)
	if err != nil {
		return err
	}
	r.Step("%d tills scan %s codes of %s products, four ways. One code in %d is misread and does not exist.",
		tills, unit.Figure(float64(len(codes)), ""), unit.Figure(float64(r.Int("products")), ""), misled)
	ratio := unit.Chart{Kind: unit.Lines, Title: "Scans that the cache answers", XLabel: "scans so far", YLabel: "%", Unit: "%"}
	origin := unit.Chart{Kind: unit.Bars, Title: "Reads of the database for codes that do not exist", Unit: "reads", Series: []unit.Series{{Name: "reads"}}}
	table := unit.Table{Title: "What the database was asked", Columns: []string{"", "for products", "for codes that do not exist", "answered by the cache"}}
	times := unit.Chart{Kind: unit.Bars, Title: "How long a scan takes", Unit: "ms", Timing: true, Series: []unit.Series{{Name: "half of them, at most"}, {Name: "99 of 100, at most"}}}
	for _, w := range all {
		done, err := w.serve(ctx, r, codes)
		if err != nil {
			return err
		}
		line := unit.Series{Name: w.label, Tone: w.tone}
		size := len(done) / parts
		for at := size; at <= len(done); at += size {
			line.Points = append(line.Points, unit.Point{X: float64(at), Y: hitsOf(done[at-size : at])})
		}
		if w.name != "db" {
			ratio.Series = append(ratio.Series, line)
		}
		origin.Series[0].Points = append(origin.Series[0].Points, unit.Point{Label: w.label, Y: float64(w.db.unknown.Load())})
		table.Rows = append(table.Rows, []string{w.label, fmt.Sprint(w.db.known.Load()), fmt.Sprint(w.db.unknown.Load()), unit.Figure(hitsOf(done), "%")})
		r.Metric(unit.Metric{Name: "hits_" + w.name, Label: "answered by the cache, " + w.label, Value: hitsOf(done), Unit: "%", Tone: w.tone, Minor: w.name == "db"})
		r.Metric(unit.Metric{Name: "unknown_" + w.name, Label: "reads for what does not exist, " + w.label, Value: float64(w.db.unknown.Load()), Minor: true})
		for i, share := range []float64{0.5, 0.99} {
			ms := within(done, share)
			name := [...]string{"p50_", "p99_"}[i]
			r.Metric(unit.Metric{Name: name + w.name, Label: times.Series[i].Name + ", " + w.label, Value: ms, Unit: "ms", Timing: true, Minor: w.name == "leased"})
			times.Series[i].Points = append(times.Series[i].Points, unit.Point{Label: w.label, Y: ms})
		}
	}
	r.Metric(unit.Metric{Name: "delay", Label: "the database alone, at best", Value: float64(r.Duration("delay")) / 1e6, Unit: "ms", Minor: true})
	r.Table(table)
	r.Chart(ratio)
	r.Chart(origin)
	r.Chart(times)
	return nil
}

// serve asks for every code, by all tills, and returns the requests in order.
func (w way) serve(ctx context.Context, r *unit.Run, codes []int) ([]scan, error) {
	done := make([]scan, len(codes))
	each := len(codes) / tills
	_, err := r.Load(ctx, w.label, tills, each, func(ctx context.Context, till, i int) error {
		n := i*tills + till
		var asked bool
		begun := time.Now()
		_, err := w.ask(context.WithValue(ctx, askedKey{}, &asked), codes[n])
		done[n] = scan{took: time.Since(begun), hit: !asked}
		if errors.Is(err, errUnknown) {
			return nil
		}
		return err
	})
	return done[:each*tills], err
}

// hitsOf is how many of a hundred the cache answered.
func hitsOf(done []scan) float64 {
	hits := 0
	for _, s := range done {
		if s.hit {
			hits++
		}
	}
	return 100 * float64(hits) / float64(len(done))
}

// within is how many milliseconds this share of all takes at most.
func within(done []scan, share float64) float64 {
	took := make([]time.Duration, len(done))
	for i, s := range done {
		took[i] = s.took
	}
	slices.Sort(took)
	return float64(took[int(share*float64(len(took)-1))]) / 1e6
}
