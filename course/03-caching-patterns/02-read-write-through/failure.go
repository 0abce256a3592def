package lifts

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// operator is a client whose process can die.
type operator struct {
	*redis.Client

	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

func newOperator(r *unit.Run) *operator {
	p := &operator{}
	p.Client = r.Client("operator", func(o *redis.Options) {
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

// die lets nothing more of it reach Redis.
func (p *operator) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
	for _, conn := range p.conns {
		conn.Close()
	}
}

// failing closes lifts while the database refuses, and by operators who die between
// the database and the cache.
func failing(ctx context.Context, r *unit.Run, d *database) error {
	r.Step("%d lifts are closed while somebody else has locked the database. And %d by processes that die after the commit.", rounds, rounds)
	table := unit.Table{Title: "What the board says afterwards", Columns: []string{"", "the database refused: the board is wrong", "died after the commit: the board is wrong", "for how long"}}
	chart := unit.Chart{Kind: unit.Bars, Title: "Lifts of which the board says something else than the database", Unit: "lifts", Series: []unit.Series{{Name: "refused", Tone: unit.Bad}, {Name: "died"}}}
	rest := 0
	for _, w := range ways {
		refused, err := w.refused(ctx, r, d)
		if err != nil {
			return fmt.Errorf("%s, refused: %w", w.label, err)
		}
		died, err := w.died(ctx, r, d)
		if err != nil {
			return fmt.Errorf("%s, died: %w", w.label, err)
		}
		if w.name != "first" {
			rest += refused
		}
		long := "–"
		if refused+died > 0 {
			long = "until the entry ends, " + unit.Span(life)
		}
		table.Rows = append(table.Rows, []string{w.label, fmt.Sprint(refused), fmt.Sprint(died), long})
		for i, n := range []int{refused, died} {
			chart.Series[i].Points = append(chart.Series[i].Points, unit.Point{Label: w.label, Y: float64(n)})
		}
		r.Metric(unit.Metric{Name: "refused_" + w.name, Label: "wrong after the database refused, " + w.label, Value: float64(refused), Tone: w.tone, Minor: true})
		r.Metric(unit.Metric{Name: "died_" + w.name, Label: "wrong after a death, " + w.label, Value: float64(died), Tone: w.tone, Minor: true})
	}
	r.Metric(unit.Metric{Name: "refused_rest", Label: "wrong after the database refused, all others", Value: float64(rest), Minor: true})
	r.Table(table)
	r.Chart(chart)
	return nil
}

// refused counts the lifts that the board shows closed though the database said no.
func (w way) refused(ctx context.Context, r *unit.Run, d *database) (wrong int, err error) {
	b, err := w.open(r, r.Redis())
	if err != nil {
		return 0, err
	}
	if err := w.fill(ctx, b, d, "refused"); err != nil {
		return 0, err
	}
	err = d.locked(ctx, func() error {
		for i := range rounds {
			lift := fmt.Sprintf("refused-%d", i)
			if err := b.write(ctx, lift, closed, func(ctx context.Context) error { return d.save(ctx, lift, closed) }); err == nil {
				return errors.New("the lock refused nothing")
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return w.wrong(ctx, b, d, "refused")
}

// died counts the lifts that are wrong after each operator died.
func (w way) died(ctx context.Context, r *unit.Run, d *database) (wrong int, err error) {
	alive, err := w.open(r, r.Redis())
	if err != nil {
		return 0, err
	}
	if err := w.fill(ctx, alive, d, "died"); err != nil {
		return 0, err
	}
	for i := range rounds {
		lift, p := fmt.Sprintf("died-%d", i), newOperator(r)
		b, err := w.open(r, p.Client)
		if err != nil {
			return 0, err
		}
		committed := false
		_ = b.write(ctx, lift, closed, func(ctx context.Context) error { // nobody is left to hear its error
			defer p.die()
			err := d.save(ctx, lift, closed)
			committed = err == nil
			return err
		})
		if !committed {
			return 0, fmt.Errorf("%s was not written", lift)
		}
	}
	return w.wrong(ctx, alive, d, "died")
}

// fill opens lifts, in the database and on the board.
func (w way) fill(ctx context.Context, b board, d *database, name string) error {
	for i := range rounds {
		lift := fmt.Sprintf("%s-%d", name, i)
		if err := b.write(ctx, lift, opened, func(ctx context.Context) error { return d.save(ctx, lift, opened) }); err != nil {
			return err
		}
		if _, err := b.read(ctx, lift, d.load); err != nil {
			return err
		}
	}
	return nil
}

// wrong counts the lifts of which board and database say different things.
func (w way) wrong(ctx context.Context, b board, d *database, name string) (n int, err error) {
	for i := range rounds {
		lift := fmt.Sprintf("%s-%d", name, i)
		said, err := b.read(ctx, lift, d.load)
		if err != nil {
			return 0, err
		}
		is, err := d.load(ctx, lift)
		if err != nil {
			return 0, err
		}
		if said != is {
			n++
		}
	}
	return n, nil
}
