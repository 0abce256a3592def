package carpark

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/connect"
	"github.com/redis-grind/grind/kit/redisproc"
)

// front puts a tap before the run's server, and returns how to connect to it.
func front(r *unit.Run) (*lab.Wire, *trace.Recorder, *redis.Options, error) {
	seen := trace.NewRecorder(0)
	o := options(r, "gate")
	wire, err := lab.Front(tap.Options{Upstream: o.Addr, UpstreamTLS: o.TLSConfig, Sink: seen.Sink()})
	if err != nil {
		return nil, nil, nil, err
	}
	o.Addr, o.TLSConfig = wire.TapAddr(), nil
	return wire, seen, o, nil
}

// options lead straight to the run's server. Clients made with them are closed by
// whom they belong to, for that is what this unit is about.
func options(r *unit.Run, name string) *redis.Options {
	o := r.Redis().Options()
	return &redis.Options{Addr: o.Addr, Username: o.Username, Password: o.Password, DB: o.DB, TLSConfig: o.TLSConfig, ClientName: name, PoolSize: poolSize}
}

// trips counts round trips, handshakes included.
func trips(events []trace.Event) int {
	all := map[[2]uint64]bool{}
	for _, e := range events {
		if e.Kind == trace.Command || e.Kind == trace.Handshake {
			all[[2]uint64{e.Conn, e.Trip}] = true
		}
	}
	return len(all)
}

// beginning follows one connection from nothing to its second command.
func beginning(ctx context.Context, r *unit.Run) error {
	r.Step("A client is opened, and sends two commands.")
	wire, seen, o, err := front(r)
	if err != nil {
		return err
	}
	defer wire.Close() // nothing of the run is lost with it
	// region: open
	rdb, err := connect.Open(ctx, connect.Options{
		Addrs: []string{o.Addr}, Username: o.Username, Password: o.Password, DB: o.DB, Name: "gate",
	})
	// endregion
	if err != nil {
		return err
	}
	defer rdb.Close()
	r.Metric(unit.Metric{Name: "conns_open", Label: "connections of a client that was opened", Value: float64(wire.Stats().Connections)})
	table := unit.Table{Title: "What a connection begins with", Columns: []string{"", "round trips", "bytes sent", "on the wire"}}
	for _, name := range []string{"first", "second"} {
		seen.Reset()
		if err := rdb.Incr(ctx, r.Key("gate:A")).Err(); err != nil {
			return err
		}
		events, sent := seen.Events(), int64(0)
		var words []string
		for _, e := range events {
			sent += e.Sent
			if e.Kind == trace.Command || e.Kind == trace.Handshake {
				words = append(words, strings.TrimSpace(e.Name+" "+first(e)))
			}
		}
		r.Metric(unit.Metric{Name: "trips_" + name, Label: "the " + name + " command", Value: float64(trips(events)), Unit: "round trips"})
		table.Rows = append(table.Rows, []string{"the " + name + " command", fmt.Sprint(trips(events)), fmt.Sprint(sent), strings.Join(words, " · ")})
	}
	r.Table(table)
	_, err = r.Trace(ctx, unit.Sample{
		Title: "one car, with a client of its own and with the shared one",
		Note:  "The same two commands. What the connection of the first had to say before is folded away here; the table above has it.",
	}, func(ctx context.Context, c *redis.Client) error {
		own := *c.Options()
		if err := openWithOwn(trace.WithRequest(ctx, "own client"), &redis.Options{Addr: own.Addr, Username: own.Username, Password: own.Password, DB: own.DB}, r.Key("gate:A")); err != nil {
			return err
		}
		return openGate(trace.WithRequest(ctx, "shared client"), c, r.Key("gate:A"))
	})
	return err
}

// first is the first word of a handshake's command, such as SETINFO.
func first(e trace.Event) string {
	if e.Kind != trace.Handshake || len(e.Args) == 0 {
		return ""
	}
	return e.Args[0]
}

// poolSize is that of the shared client.
const poolSize = 10

// openGate is what a request needs of Redis.
func openGate(ctx context.Context, rdb redis.Cmdable, key string) error {
	return rdb.Incr(ctx, key).Err()
}

// region: own

// openWithOwn makes a client for one request.
func openWithOwn(ctx context.Context, o *redis.Options, key string) error {
	rdb := redis.NewClient(o)
	defer rdb.Close()
	return openGate(ctx, rdb, key)
}

// endregion

// sharing serves the same requests three ways.
func sharing(ctx context.Context, r *unit.Run) error {
	n := r.Int("requests")
	r.Metric(unit.Metric{Name: "requests", Label: "requests", Value: float64(n), Minor: true})
	chart := unit.Chart{Kind: unit.Bars, Title: fmt.Sprintf("%d requests", n), Series: []unit.Series{
		{Name: "a client each, never closed", Tone: unit.Bad}, {Name: "a client each", Tone: unit.Bad}, {Name: "one client", Tone: unit.Good}}}
	for i, way := range []string{"never", "each", "shared"} {
		r.Step("%d requests, %s.", n, chart.Series[i].Name)
		wire, seen, o, err := front(r)
		if err != nil {
			return err
		}
		shared := redis.NewClient(o)
		var left []*redis.Client
		took, err := r.Load(ctx, chart.Series[i].Name, 1, n, func(ctx context.Context, _, _ int) error {
			switch way {
			case "never":
				rdb := redis.NewClient(copied(o))
				left = append(left, rdb) // so that this run can clean up after itself
				return openGate(ctx, rdb, r.Key("gate:A"))
			case "each":
				return openWithOwn(ctx, copied(o), r.Key("gate:A"))
			}
			return openGate(ctx, shared, r.Key("gate:A"))
		})
		if err != nil {
			return errors.Join(err, wire.Close())
		}
		kept, dialled, all := idle(left), wire.Stats().Connections, trips(seen.Events())
		for _, c := range append(left, shared) {
			_ = c.Close() // what it had to say is said
		}
		if err := wire.Close(); err != nil {
			return err
		}
		for _, m := range []unit.Metric{
			{Name: "dialled_" + way, Label: "connections made, " + chart.Series[i].Name, Value: float64(dialled)},
			{Name: "trips_" + way, Label: "round trips, " + chart.Series[i].Name, Value: float64(all)},
			{Name: "rate_" + way, Label: chart.Series[i].Name, Value: float64(n) / took.Seconds(), Unit: "requests/s", Timing: true, Tone: chart.Series[i].Tone},
		} {
			r.Metric(m)
		}
		if way == "never" {
			r.Metric(unit.Metric{Name: "left_never", Label: "connections left open by clients that are not closed", Value: float64(kept), Tone: unit.Bad})
		}
		chart.Series[i].Points = []unit.Point{{Label: "connections made", Y: float64(dialled)}, {Label: "round trips", Y: float64(all)}, {Label: "left open", Y: float64(kept)}}
	}
	r.Chart(chart)
	return nil
}

// copied are options for a client of its own.
func copied(o *redis.Options) *redis.Options {
	own := *o // made by hand, so there is no dialer in it that remembers another client
	return &own
}

// idle counts the connections that these clients keep.
func idle(clients []*redis.Client) (n int) {
	for _, c := range clients {
		n += int(c.PoolStats().TotalConns)
	}
	return n
}

// maxClients is how many connections the small server allows.
const maxClients = 64

// exhausting serves with clients that are never closed until a server is full.
func exhausting(ctx context.Context, r *unit.Run) error {
	if !r.Has(unit.NeedOwnServer) {
		return nil
	}
	r.Step("A server that allows %d connections, and clients that are never closed.", maxClients)
	server, err := r.Server(ctx, redisproc.Options{Config: map[string]string{"maxclients": fmt.Sprint(maxClients)}})
	if err != nil {
		return err
	}
	var left []*redis.Client
	defer func() {
		for _, c := range left {
			_ = c.Close()
		}
	}()
	for i := 1; i <= 2*maxClients; i++ {
		rdb := server.Client(func(o *redis.Options) { o.MaxRetries = -1 })
		left = append(left, rdb)
		if err := openGate(ctx, rdb, "gate:A"); err != nil {
			r.Metric(unit.Metric{Name: "died_at", Label: "the request that Redis turned away", Value: float64(i), Tone: unit.Bad})
			r.Table(unit.Table{Title: "What it was told, and so is everybody who connects now", Columns: []string{"request", "answer"}, Rows: [][]string{{fmt.Sprint(i), err.Error()}}})
			return nil
		}
	}
	return fmt.Errorf("%d connections at a server that allows %d", 2*maxClients, maxClients)
}
