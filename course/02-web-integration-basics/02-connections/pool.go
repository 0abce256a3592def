package carpark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/redisproc"
)

// moments collects PoolStats after each thing that happens.
type moments struct {
	rdb   *redis.Client
	table unit.Table
	chart unit.Chart
}

func (m *moments) note(what string) *redis.PoolStats {
	s := m.rdb.PoolStats()
	x := float64(len(m.table.Rows))
	for i, v := range []uint32{s.TotalConns, s.TotalConns - s.IdleConns} {
		m.chart.Series[i].Points = append(m.chart.Series[i].Points, unit.Point{X: x, Y: float64(v)})
	}
	m.table.Rows = append(m.table.Rows, []string{
		fmt.Sprint(int(x)), what, fmt.Sprint(s.TotalConns), fmt.Sprint(s.IdleConns), fmt.Sprint(s.Hits), fmt.Sprint(s.Misses), fmt.Sprint(s.Timeouts), fmt.Sprint(s.StaleConns),
	})
	return s
}

const (
	small     = 4                      // connections of the pool that is watched
	tooOld    = 60 * time.Millisecond  // ConnMaxIdleTime
	impatient = 20 * time.Millisecond  // PoolTimeout
	longer    = 100 * time.Millisecond // than tooOld
)

// pooling watches one pool from its first connection to its close.
func pooling(ctx context.Context, r *unit.Run) error {
	r.Step("One pool of %d connections, and its PoolStats after each thing that happens to it.", small)
	o := options(r, "watched")
	o.PoolSize, o.MaxRetries, o.PoolTimeout, o.ConnMaxIdleTime = small, -1, impatient, tooOld
	rdb := redis.NewClient(o)
	defer rdb.Close() // a second time, unless something fails before
	m := &moments{
		rdb:   rdb,
		table: unit.Table{Title: "PoolStats", Columns: []string{"", "after", "total", "idle", "hits", "misses", "timeouts", "stale"}},
		chart: unit.Chart{Kind: unit.Lines, Title: "A pool from start to close", XLabel: "moment, as in the table", YLabel: "connections", Series: []unit.Series{{Name: "open"}, {Name: "lent", Tone: unit.Bad}}},
	}
	key := r.Key("gate:B")
	get := func() error { return rdb.Incr(ctx, key).Err() }
	m.note("opening")
	if err := get(); err != nil {
		return err
	}
	m.note("the first command")
	if err := together(small, get); err != nil {
		return err
	}
	m.note(fmt.Sprintf("%d at the same time", small))
	// region: leak
	var lent []*redis.Conn
	for range small {
		conn := rdb.Conn() // one connection, for as long as we want it
		lent = append(lent, conn)
		if err := conn.Incr(ctx, key).Err(); err != nil {
			return err
		}
		// and conn.Close(), which gives it back, is missing
	}
	// endregion
	m.note(fmt.Sprintf("%d borrowed and not given back", small))
	err := get()
	if !errors.Is(err, redis.ErrPoolTimeout) {
		return fmt.Errorf("a pool without connections answered %w", err)
	}
	leak := m.note("one more command: " + err.Error())
	r.Metric(unit.Metric{Name: "leak_timeouts", Label: "waits for a connection that ended in vain", Value: float64(leak.Timeouts), Tone: unit.Bad})
	for _, conn := range lent {
		if err := conn.Close(); err != nil {
			return err
		}
	}
	m.note("given back")
	time.Sleep(longer) // they grow old
	if err := get(); err != nil {
		return err
	}
	m.note("a quiet time, longer than ConnMaxIdleTime, and a command")
	if err := rdb.Close(); err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "conns_closed", Label: "connections after Close", Value: float64(m.note("closing").TotalConns)})
	r.Table(m.table)
	r.Chart(m.chart)
	return nil
}

// together calls f n times at once.
func together(n int, f func() error) error {
	var all sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		all.Go(func() { errs[i] = f() })
	}
	all.Wait()
	return errors.Join(errs...)
}

// waiting is how many requests wait for Redis when their client is closed.
const waiting = 8

// closing closes a client under requests that have sent their command.
func closing(ctx context.Context, r *unit.Run) error {
	if !r.Has(unit.NeedOwnServer) {
		return nil
	}
	r.Step("%d requests wait for a slow Redis, and their client is closed.", waiting)
	server, err := r.Server(ctx, redisproc.Options{})
	if err != nil {
		return err
	}
	var sent atomic.Int64 // INCRs that the kernel has taken
	rdb := server.Client(func(o *redis.Options) {
		o.PoolSize, o.MaxRetries = waiting, -1
		o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			return noting{c, &sent}, err
		}
	})
	if err := connected(ctx, rdb); err != nil {
		return errors.Join(err, rdb.Close())
	}
	if err := server.On(ctx, lab.Pause); err != nil {
		return errors.Join(err, rdb.Close())
	}
	var (
		told []error
		all  sync.WaitGroup
		mu   sync.Mutex
	)
	for range waiting {
		all.Go(func() {
			err := openGate(ctx, rdb, "gate:A")
			mu.Lock()
			defer mu.Unlock()
			told = append(told, err)
		})
	}
	for sent.Load() < waiting && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	err = rdb.Close()
	all.Wait()
	if err := errors.Join(err, server.Off(ctx, lab.Pause)); err != nil {
		return err
	}
	return closed(ctx, r, server, told)
}

// connected makes all connections of the pool, for a server that is paused shakes no
// hands.
func connected(ctx context.Context, rdb *redis.Client) error {
	var errs []error
	var all []*redis.Conn
	for range waiting {
		c := rdb.Conn()
		all, errs = append(all, c), append(errs, c.Ping(ctx).Err())
	}
	for _, c := range all {
		errs = append(errs, c.Close()) // gives it back
	}
	return errors.Join(errs...)
}

// noting is a connection that notes when an INCR was sent.
type noting struct {
	net.Conn
	sent *atomic.Int64
}

func (c noting) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if bytes.Contains(b, []byte("incr")) {
		c.sent.Add(1)
	}
	return n, err
}

// closed tells what the requests heard, and what Redis did.
func closed(ctx context.Context, r *unit.Run, server *lab.Server, told []error) error {
	after := server.Client()
	defer after.Close()
	done, failed, says := 0, 0, ""
	for range 100 { // Redis reads what was sent before it was paused
		var err error
		if done, err = after.Get(ctx, "gate:A").Int(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if done == waiting {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, err := range told {
		if err != nil {
			failed, says = failed+1, err.Error()
		}
	}
	r.Metric(unit.Metric{Name: "closed_told", Label: "requests that were told an error", Value: float64(failed), Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "closed_done", Label: "of them done by Redis", Value: float64(done), Tone: unit.Bad})
	r.Table(unit.Table{Title: "A client closed under its requests", Columns: []string{"requests", "told an error", "done all the same", "what they were told"},
		Rows: [][]string{{fmt.Sprint(waiting), fmt.Sprint(failed), fmt.Sprint(done), shortened(says)}}})
	return nil
}
