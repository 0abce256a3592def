package broadcast

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// tunnel is a way to Redis that can be cut: what is open breaks, and nothing new
// opens until it is whole again.
type tunnel struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	mu   sync.Mutex
	cut  bool
	open []net.Conn
}

func (t *tunnel) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut {
		return nil, errors.New("in the tunnel")
	}
	c, err := t.dial(ctx, network, addr)
	if err == nil {
		t.open = append(t.open, c)
	}
	return c, err
}

func (t *tunnel) set(cut bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cut = cut
	if cut {
		for _, c := range t.open {
			_ = c.Close() // that it breaks is the point
		}
		t.open = nil
	}
}

// display is a program that shows what it hears. It uses all that go-redis tells.
type display struct {
	mu         sync.Mutex
	heard      []int // numbers, in their order
	errors     int
	subscribed int // confirmations: the first, and one for each reconnection
}

// region: listen

// listen is the loop that everybody writes.
func (d *display) listen(sub *redis.PubSub) {
	for message := range sub.ChannelWithSubscriptions() {
		d.mu.Lock()
		switch message := message.(type) {
		case *redis.Message:
			number, _ := strconv.Atoi(message.Payload)
			d.heard = append(d.heard, number)
		case *redis.Subscription: // Channel does not even show these
			d.subscribed++
		default: // an error? None ever comes
			d.errors++
		}
		d.mu.Unlock()
	}
}

// endregion

func (d *display) last() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.heard) == 0 {
		return 0
	}
	return d.heard[len(d.heard)-1]
}

// silence cuts a display off while notices are published.
func silence(ctx context.Context, r *unit.Run) error {
	notices, silent := r.Int("notices"), r.Int("silence")
	from := (notices-silent)/2 + 1 // the first notice in the silence
	r.Step("%d numbered notices. Before number %d the display's connection breaks, after %d of them it comes back.", notices, from, silent)
	way := new(tunnel)
	client := r.Client("display", func(o *redis.Options) {
		way.dial = redis.NewDialer(o)
		o.Dialer, o.DialerRetries = way.Dial, 1
	})
	channel := r.Key("line:4")
	sub := client.Subscribe(ctx, channel)
	d := new(display)
	var listening sync.WaitGroup
	listening.Go(func() { d.listen(sub) })
	defer listening.Wait()
	defer sub.Close()
	if err := listeners(ctx, r, channel, 1); err != nil {
		return err
	}
	unheard := 0
	for n := 1; n <= notices; n++ {
		if n == from || n == from+silent {
			if err := turn(ctx, r, way, d, channel, n == from, n-1); err != nil {
				return err
			}
		}
		heardBy, err := r.Redis().Publish(ctx, channel, n).Result()
		if err != nil {
			return err
		}
		if heardBy == 0 {
			unheard++
		}
	}
	if err := until(ctx, func() (bool, error) { return d.last() == notices, nil }); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	tell(r, d, notices, from, silent, unheard)
	return nil
}

// turn cuts the way, once all that was published has been heard, or makes it whole
// again, and returns when the server knows.
func turn(ctx context.Context, r *unit.Run, way *tunnel, d *display, channel string, cut bool, published int) error {
	if !cut {
		way.set(false)
		return listeners(ctx, r, channel, 1)
	}
	if err := until(ctx, func() (bool, error) { return d.last() == published, nil }); err != nil {
		return err
	}
	way.set(true)
	return listeners(ctx, r, channel, 0)
}

// tell shows what the display heard, and by what it could have known.
func tell(r *unit.Run, d *display, notices, from, silent, unheard int) {
	gap := 0
	for i, number := range d.heard {
		before := 0
		if i > 0 {
			before = d.heard[i-1]
		}
		gap += number - before - 1
	}
	r.Metric(unit.Metric{Name: "silent", Label: "notices published in the silence", Value: float64(silent), Minor: true})
	r.Metric(unit.Metric{Name: "missed", Label: "notices missed", Value: float64(notices - len(d.heard)), Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "errors", Label: "errors that the display was told", Value: float64(d.errors), Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "gap", Label: "missed, by the numbers of the notices", Value: float64(gap), Tone: unit.Good})
	r.Chart(unit.Chart{Kind: unit.Lanes, Title: "Notices, by number", XLabel: "number of the notice", Series: []unit.Series{
		{Name: "published", Points: []unit.Point{{X: 1, Y: float64(notices)}}},
		{Name: "heard", Points: spans(d.heard)},
	}})
	r.Table(unit.Table{Title: "By what anybody could have known", Columns: []string{"sign", "said"}, Rows: [][]string{
		{"errors that the loop got", fmt.Sprint(d.errors)},
		{"confirmations, beyond the first (ChannelWithSubscriptions)", fmt.Sprint(d.subscribed - 1)},
		{"PUBLISH answered 0, to the publisher", fmt.Sprint(unheard)},
		{fmt.Sprintf("the notice after %d was number", from-1), fmt.Sprint(from + silent)},
	}})
}

// spans joins numbers that follow each other.
func spans(numbers []int) (out []unit.Point) {
	for i, n := range numbers {
		if i > 0 && n == numbers[i-1]+1 {
			out[len(out)-1].Y++
			continue
		}
		out = append(out, unit.Point{X: float64(n), Y: 1})
	}
	return out
}

// listeners waits until the server knows of n subscribers to a channel.
func listeners(ctx context.Context, r *unit.Run, channel string, n int64) error {
	return until(ctx, func() (bool, error) {
		counts, err := r.Redis().PubSubNumSub(ctx, channel).Result()
		return counts[channel] == n, err
	})
}

// until asks again and again.
func until(ctx context.Context, is func() (bool, error)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := is(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
