package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// errDied is the end of a cook. A process that is killed sends nothing more, and
// that is all that Redis gets to see of it: here its function returns.
var errDied = errors.New("the cook died")

// ledger is what the guests know: which order came out of the kitchen how often.
// It is kept outside Redis, as plates are.
type ledger struct {
	fatal int // one order in so many kills the first cook who takes it

	mu     sync.Mutex
	served map[string]int
	tried  map[string]int
	deaths int
}

// cook serves an order, or dies over it: of the fatal ones, every other cook dies
// before the plate is out, the rest right after.
func (l *ledger) cook(_ context.Context, order string) error {
	n, err := strconv.Atoi(order)
	if err != nil {
		return fmt.Errorf("order %q is no number", order)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tried[order]++
	dies := n%l.fatal == 0 && l.tried[order] == 1
	if dies {
		l.deaths++
	}
	if dies && n/l.fatal%2 == 0 {
		return errDied
	}
	l.served[order]++
	if dies {
		return errDied
	}
	return nil
}

// count says how many orders never came out, and how many more than once.
func (l *ledger) count(orders int) (lost, twice int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := range orders {
		switch times := l.served[strconv.Itoa(n)]; {
		case times == 0:
			lost++
		case times > 1:
			twice++
		}
	}
	return lost, twice
}

// way is one way to work through a queue. begin is what a cook does when he
// starts, take is one order.
type way struct {
	metric, label string
	begin         func(ctx context.Context, rdb redis.Cmdable, orders, rail string) error
	take          func(ctx context.Context, rdb redis.Cmdable, orders, rail string, cook cookFunc) error
}

var ways = []way{
	{metric: "pocket", label: "RPOP", take: func(ctx context.Context, rdb redis.Cmdable, orders, _ string, cook cookFunc) error {
		return fromPocket(ctx, rdb, orders, cook)
	}},
	{metric: "peek", label: "LINDEX, RPOP", take: func(ctx context.Context, rdb redis.Cmdable, orders, _ string, cook cookFunc) error {
		return byPeeking(ctx, rdb, orders, cook)
	}},
	{metric: "rail", label: "LMOVE, LREM", begin: putBack, take: fromRail},
}

// evening gives the same orders and the same deaths to the three ways.
func evening(ctx context.Context, r *unit.Run) error {
	orders, cooks := r.Int("orders"), r.Int("cooks")
	chart := unit.Chart{Kind: unit.Bars, Title: "Orders that never came out", Series: []unit.Series{{Name: "lost"}}}
	table := unit.Table{Title: "The same evening, three ways", Columns: []string{"way", "orders", "cooks died", "never served", "served twice", "left in the queue"}}
	for _, w := range ways {
		r.Step("%s orders, %d cooks, %s. One order in %d kills its cook, and a new one takes his place.", unit.Figure(float64(orders), ""), cooks, w.label, r.Int("fatal"))
		book, left, err := w.play(ctx, r, orders, cooks)
		if err != nil {
			return err
		}
		lost, twice := book.count(orders)
		r.Metric(unit.Metric{Name: "lost_" + w.metric, Label: "never served with " + w.label, Value: float64(lost), Tone: toneOf(lost)})
		r.Metric(unit.Metric{Name: "twice_" + w.metric, Label: "served twice with " + w.label, Value: float64(twice), Minor: w.metric != "rail"})
		r.Metric(unit.Metric{Name: "left_" + w.metric, Label: "left in the queue with " + w.label, Value: float64(left), Minor: true})
		table.Rows = append(table.Rows, []string{w.label, figure(orders), figure(book.deaths), figure(lost), figure(twice), figure(left)})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: w.label, Y: float64(lost)})
	}
	r.Table(table)
	r.Chart(chart)
	return nil
}

// play lets the cooks work until nothing is left, and says how much that is.
func (w way) play(ctx context.Context, r *unit.Run, orders, cooks int) (*ledger, int64, error) {
	queue := r.Key("orders:" + w.metric)
	numbers := make([]any, orders)
	for n := range numbers {
		numbers[n] = n
	}
	if err := r.Redis().LPush(ctx, queue, numbers...).Err(); err != nil {
		return nil, 0, err
	}
	book := &ledger{fatal: r.Int("fatal"), served: map[string]int{}, tried: map[string]int{}}
	rdb := r.Client("kitchen", func(o *redis.Options) { o.PoolSize = cooks })
	_, err := r.Load(ctx, w.label, cooks, 1, func(ctx context.Context, cook, _ int) error {
		return w.shift(ctx, rdb, queue, r.Key(fmt.Sprintf("rail:%d", cook)), book)
	})
	if err != nil {
		return nil, 0, err
	}
	left, err := rdb.LLen(ctx, queue).Result()
	return book, left, err
}

// shift is one place at the stove: when its cook dies, the next one begins.
func (w way) shift(ctx context.Context, rdb redis.Cmdable, orders, rail string, book *ledger) error {
	for {
		err := w.life(ctx, rdb, orders, rail, book)
		switch {
		case errors.Is(err, redis.Nil):
			return nil
		case !errors.Is(err, errDied):
			return err
		}
	}
}

// life is one cook, from his first order to his death or the end of the queue.
func (w way) life(ctx context.Context, rdb redis.Cmdable, orders, rail string, book *ledger) error {
	if w.begin != nil {
		if err := w.begin(ctx, rdb, orders, rail); err != nil {
			return err
		}
	}
	for {
		if err := w.take(ctx, rdb, orders, rail, book.cook); err != nil {
			return err
		}
	}
}

func figure[N int | int64](n N) string { return unit.Figure(float64(n), "") }
