package lostfound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// numbering hands in and hands out for a week, and looks for numbers that two
// items had.
func numbering(ctx context.Context, r *unit.Run) error {
	n := r.Int("items")
	r.Step("%d items are handed in, and now and then one is handed out. Each gets a number.", n)
	for _, way := range []struct {
		name, label string
		next        func(o office) (int64, error)
		tone        unit.Tone
	}{
		{"count", "numbers given twice, by counting", func(o office) (int64, error) {
			there, err := o.redis.ZCard(ctx, o.list()).Result()
			return there + 1, err
		}, unit.Bad},
		{"incr", "numbers given twice, by INCR", func(o office) (int64, error) { return o.redis.Incr(ctx, o.last()).Result() }, unit.Good},
	} {
		twice, err := week(ctx, office{r.Redis(), func(key string) string { return r.Key(way.name + ":" + key) }}, n, way.next)
		if err != nil {
			return err
		}
		r.Metric(unit.Metric{Name: "reused_" + way.name, Label: way.label, Value: float64(twice), Tone: way.tone})
	}
	return nil
}

// week hands in n items and hands out one of four, and counts the numbers that had
// been given before.
func week(ctx context.Context, o office, n int, next func(office) (int64, error)) (twice int, err error) {
	given, random := map[int64]bool{}, rand.New(rand.NewPCG(2, 1))
	for range n {
		id, err := next(o)
		if err != nil {
			return 0, err
		}
		if given[id] {
			twice++
		}
		given[id] = true
		if err := o.redis.ZAdd(ctx, o.list(), redis.Z{Score: float64(id), Member: id}).Err(); err != nil {
			return 0, err
		}
		if random.IntN(4) == 0 {
			if err := o.redis.ZRem(ctx, o.list(), random.Int64N(id)+1).Err(); err != nil {
				return 0, err
			}
		}
	}
	return twice, nil
}

// perPage is what a screen shows.
const perPage = 10

// paging walks through a list that changes meanwhile, both ways.
func paging(ctx context.Context, r *unit.Run) error {
	n := r.Int("items")
	r.Step("A clerk pages through %d items, while others are handed in and out.", n)
	chart := unit.Chart{Kind: unit.Bars, Title: "What the clerk saw", YLabel: "items", Series: []unit.Series{{Name: "page=3", Tone: unit.Bad}, {Name: "cursor", Tone: unit.Good}}}
	for i, way := range []string{"offset", "cursor"} {
		w := walk{r: r, key: func(key string) string { return r.Key(way + ":" + key) }, byCursor: way == "cursor", seen: map[int64]int{}, handed: map[int64]bool{}}
		if err := w.through(ctx, n); err != nil {
			return err
		}
		missed, twice := w.judge(n)
		r.Metric(unit.Metric{Name: "missed_" + way, Label: "never shown, by " + way, Value: float64(missed), Tone: chart.Series[i].Tone})
		r.Metric(unit.Metric{Name: "twice_" + way, Label: "shown twice, by " + way, Value: float64(twice), Tone: chart.Series[i].Tone})
		chart.Series[i].Points = []unit.Point{{Label: "never shown", Y: float64(missed)}, {Label: "shown twice", Y: float64(twice)}}
	}
	r.Chart(chart)
	return nil
}

// walk is one way through the list.
type walk struct {
	r        *unit.Run
	key      func(string) string
	byCursor bool
	office   office
	seen     map[int64]int
	handed   map[int64]bool // handed out meanwhile
}

func (w *walk) through(ctx context.Context, n int) (err error) {
	client := w.r.Client("clerk", nil)
	w.office = office{client, w.key}
	for range n {
		if _, err := w.office.create(ctx, Draft{What: "glove", Place: "train"}); err != nil {
			return err
		}
	}
	var url string
	if w.byCursor {
		s, err := open(ctx, client, w.key)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		url = s.url
	} else {
		var stop func()
		url, stop = openCareless(client, w.key)
		defer stop()
	}
	next := ""
	for page := 0; ; page++ {
		query := fmt.Sprintf("page=%d", page)
		if w.byCursor {
			query = "cursor=" + next
		}
		items, cursor, err := list(ctx, fmt.Sprintf("%s/items?limit=%d&%s", url, perPage, query))
		if err != nil {
			return err
		}
		for _, id := range items {
			w.seen[id]++
		}
		if next = cursor; len(items) < perPage || w.byCursor && next == "" {
			return nil
		}
		if err := w.meanwhile(ctx, page, items); err != nil {
			return err
		}
	}
}

// meanwhile hands in three items after one page, and hands out three that the
// clerk has seen already after the next.
func (w *walk) meanwhile(ctx context.Context, page int, shown []int64) error {
	for i := range 3 {
		if page%2 == 0 {
			if _, err := w.office.create(ctx, Draft{What: "scarf", Place: "hall"}); err != nil {
				return err
			}
			continue
		}
		if err := w.office.remove(ctx, shown[i]); err != nil && !errors.Is(err, errNoItem) {
			return err
		}
		w.handed[shown[i]] = true
	}
	return nil
}

// judge counts items that were there all the time and were not shown, and those
// that were shown more than once.
func (w *walk) judge(n int) (missed, twice int) {
	for id := int64(1); id <= int64(n); id++ {
		if w.seen[id] == 0 && !w.handed[id] {
			missed++
		}
	}
	for _, times := range w.seen {
		if times > 1 {
			twice++
		}
	}
	return missed, twice
}

// list asks for a page and returns the numbers in it.
func list(ctx context.Context, url string) (ids []int64, next string, err error) {
	got, err := ask(ctx, "GET", url, "")
	if err != nil {
		return nil, "", err
	}
	var page struct {
		Items []struct {
			ID int64 `json:"id"`
		} `json:"items"`
		Next string `json:"next"`
	}
	if err := json.Unmarshal(got.body, &page); err != nil {
		return nil, "", fmt.Errorf("%s answered %d: %w", url, got.status, err)
	}
	for _, it := range page.Items {
		ids = append(ids, it.ID)
	}
	return ids, page.Next, nil
}
