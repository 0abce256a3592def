package pages

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache/writebehind"
)

const (
	batch = 50                     // writes that a worker takes at a time
	lease = 300 * time.Millisecond // how long a dead worker's shard waits
)

// errKilled is what nobody hears any more.
var errKilled = errors.New("killed")

// region: process

// process stands for a process that is killed: from one moment on, nothing of it
// reaches Redis, not even what it would like to say at its end.
type process struct {
	*redis.Client

	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

// kill is kill -9, as Redis sees it.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
	for _, conn := range p.conns {
		conn.Close()
	}
}

// endregion

func newProcess(r *unit.Run, name string) *process {
	p := &process{}
	p.Client = r.Client(name, func(o *redis.Options) {
		dial := redis.NewDialer(o)
		o.MaxRetries, o.DialerRetries = -1, 1
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.conns = append(p.conns, conn)
			if p.dead { // a connection on which nothing can be said
				return conn, conn.Close()
			}
			return conn, nil
		}
	})
	return p
}

// death is one way to be killed in the second batch.
type death struct {
	name, label string
	tone        unit.Tone
	play        func(ctx context.Context, r *unit.Run, l *library, promised map[string]int) error
}

var deaths = []death{
	{"memory", "a buffer in memory", unit.Bad, memoryDies},
	{"queue", "a queue in Redis, taken out first", unit.Bad, queueDies},
	{"before", "writebehind, killed before the commit", unit.Good, func(ctx context.Context, r *unit.Run, l *library, promised map[string]int) error {
		return workerDies(ctx, r, l, promised, false)
	}},
	{"after", "writebehind, killed after the commit", unit.Good, func(ctx context.Context, r *unit.Run, l *library, promised map[string]int) error {
		return workerDies(ctx, r, l, promised, true)
	}},
}

// killing has each way accepted the same turns, and kills its worker in the second
// batch. Then the next process starts.
func killing(ctx context.Context, r *unit.Run, dir string) error {
	const accepted = 4 * batch
	table := unit.Table{Title: fmt.Sprintf("%d turns accepted, killed in the second batch of %d, started again", accepted, batch), Columns: []string{"", "accepted and lost", "rows that came twice", "readers set back by these"}}
	chart := unit.Chart{Kind: unit.Bars, Title: "Accepted, and gone after a kill", Unit: "turns", Series: []unit.Series{{Name: "turns"}}}
	for i, d := range deaths {
		r.Step("A worker is killed in its second batch: %s.", d.label)
		r.Progress("deaths", i, len(deaths))
		l, err := openLibrary(ctx, dir, "death-"+d.name, guarded)
		if err != nil {
			return err
		}
		promised := readers(accepted, 12)
		if err := d.play(ctx, r, l, promised); err != nil {
			return fmt.Errorf("%s: %w", d.label, err)
		}
		lost, err := l.behind(ctx, promised)
		if err != nil {
			return err
		}
		twice := l.rows.Load() - int64(accepted-lost)
		back := twice - l.refused.Load()
		table.Rows = append(table.Rows, []string{d.label, fmt.Sprint(lost), fmt.Sprint(twice), fmt.Sprint(back)})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: d.label, Y: float64(lost)})
		r.Metric(unit.Metric{Name: "lost_" + d.name, Label: "lost: " + d.label, Value: float64(lost), Tone: d.tone})
		r.Metric(unit.Metric{Name: "twice_" + d.name, Label: "came twice: " + d.label, Value: float64(twice), Minor: true})
		r.Metric(unit.Metric{Name: "back_" + d.name, Label: "written over something newer: " + d.label, Value: float64(back), Minor: true})
		if err := l.db.Close(); err != nil {
			return err
		}
	}
	r.Table(table)
	r.Chart(chart)
	return nil
}

// memoryDies writes one batch; what else is in memory is in no process any more.
func memoryDies(ctx context.Context, _ *unit.Run, l *library, promised map[string]int) error {
	b := newBuffer()
	for reader, page := range promised {
		if err := b.put(ctx, reader, page); err != nil {
			return err
		}
	}
	return l.save(ctx, b.take()[:batch])
}

// queueDies takes a batch out of a list, and is killed before it has written it.
func queueDies(ctx context.Context, r *unit.Run, l *library, promised map[string]int) error {
	key, version := r.Key("queue"), int64(0)
	for reader, page := range promised {
		if err := r.Redis().LPush(ctx, key, fmt.Sprintf("%s %d", reader, page)).Err(); err != nil {
			return err
		}
	}
	for n := 1; ; n++ {
		texts, err := r.Redis().RPopCount(ctx, key, batch).Result()
		if errors.Is(err, redis.Nil) {
			return nil // empty
		}
		if err != nil {
			return err
		}
		if n == 2 {
			continue // killed here; the next process goes on with the next batch
		}
		turns := make([]turn, len(texts))
		for i, text := range texts {
			version++
			turns[i].Version = version
			if _, err := fmt.Sscan(text, &turns[i].Key, &turns[i].Value); err != nil {
				return err
			}
		}
		if err := l.save(ctx, turns); err != nil {
			return err
		}
	}
}

// workerDies kills a worker of the kit in its second batch, before the commit or
// after it, and lets another one finish.
func workerDies(ctx context.Context, r *unit.Run, l *library, promised map[string]int, committed bool) error {
	space := r.Space(fmt.Sprintf("killed-%v", committed))
	open := func(c *redis.Client, sink func(context.Context, []turn) error) (*writebehind.Writer[string, int], error) {
		return writebehind.New(c, writebehind.Options[string, int]{Prefix: space, Sink: sink, Shards: 1, Batch: batch, Delay: -1, Lease: lease})
	}
	next, err := open(r.Redis(), l.save)
	if err != nil {
		return err
	}
	for reader, page := range promised {
		if err := next.Put(ctx, reader, page); err != nil {
			return err
		}
	}
	p, batches := newProcess(r, "worker"), 0
	alive, end := context.WithCancel(ctx)
	defer end()
	dying, err := open(p.Client, func(ctx context.Context, turns []turn) error {
		if batches++; batches < 2 {
			return l.save(ctx, turns)
		}
		defer end()
		defer p.kill()
		if !committed {
			return errKilled
		}
		return l.save(ctx, turns)
	})
	if err != nil {
		return err
	}
	if err := dying.Run(alive); err != nil {
		return err
	}
	return next.Drain(ctx) // another process, as soon as the lease has ended
}
