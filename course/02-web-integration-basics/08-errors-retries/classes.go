package retries

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/guard"
	"github.com/redis-grind/grind/kit/redisproc"
)

// failure is one way for INCR to fail.
type failure struct {
	name string
	// begin makes it happen; the function returned ends it.
	begin func(ctx context.Context, s *stage) (end func() error, err error)
}

// stage is where failures happen: a server with switches, and a client.
type stage struct {
	*lab.Server
	client *redis.Client
	key    string
}

// flip is a failure by a switch of the lab.
func flip(name string) func(context.Context, *stage) (func() error, error) {
	return func(ctx context.Context, s *stage) (func() error, error) {
		return func() error { return s.Off(ctx, name) }, s.On(ctx, name)
	}
}

// wire is a failure of the wire at the next INCR.
func wire(f tap.Fault) func(context.Context, *stage) (func() error, error) {
	f.Command, f.Times = "INCR", 1
	return func(_ context.Context, s *stage) (func() error, error) {
		clear, err := s.Throw(f)
		return func() error { clear(); return nil }, err
	}
}

var failures = []failure{
	{"the key holds a list", func(ctx context.Context, s *stage) (func() error, error) {
		straight := s.Client()
		defer straight.Close()
		return func() error { return nil }, straight.RPush(ctx, s.key, "a gift").Err()
	}},
	{"Redis is loading its data", flip(lab.Loading)},
	{"Redis became a replica", flip(lab.ReadOnly)},
	{"no memory is left", flip(lab.OOM)},
	{"nobody listens", func(ctx context.Context, s *stage) (func() error, error) {
		empty, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		there := s.client
		s.client = redis.NewClient(&redis.Options{Addr: empty.Addr().String(), MaxRetries: -1, DialerRetries: 1})
		return there.Close, empty.Close()
	}},
	{"all connections are taken", func(ctx context.Context, s *stage) (func() error, error) {
		taken := s.client.Conn() // the pool has one
		return taken.Close, taken.Ping(ctx).Err()
	}},
	{"cut before the command arrived", wire(tap.Fault{Kind: tap.Cut})},
	{"cut after it was executed", wire(tap.Fault{Kind: tap.LoseReply})},
	{"the reply is late", wire(tap.Fault{Kind: tap.LoseReply, Silent: true})},
}

// provoking makes INCR fail in each way and looks whether it was executed.
func provoking(ctx context.Context, r *unit.Run) error {
	server, err := r.Server(ctx, redisproc.Options{})
	if err != nil {
		return err
	}
	r.Step("Nine ways to fail. After each, a second client looks whether the counter was raised.")
	table := unit.Table{Title: "One INCR, one error", Columns: []string{"what happened", "the program is told", "executed", "guard.Classify", "try again?"}}
	executed, misjudged := 0, 0
	for i, f := range failures {
		r.Progress("failures", i, len(failures))
		s := &stage{Server: server, key: fmt.Sprintf("gifts:%d", i)}
		s.client = server.Tapped(func(o *redis.Options) {
			o.PoolSize, o.MaxRetries, o.ReadTimeout, o.PoolTimeout, o.DialerRetries = 1, -1, patience, patience, 1
		})
		told, ran, err := s.provoke(ctx, f)
		_ = s.client.Close() // its connections are broken on purpose
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		class := guard.Classify(ctx, told)
		if ran {
			executed++
			if class.Unexecuted() {
				misjudged++
			}
		}
		table.Rows = append(table.Rows, []string{f.name, brief(told), yes(ran), class.String(), advice(class)})
	}
	r.Table(table)
	r.Metric(unit.Metric{Name: "provoked", Label: "failures provoked", Value: float64(len(failures)), Minor: true})
	r.Metric(unit.Metric{Name: "executed", Label: "of them, executed all the same", Value: float64(executed), Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "misjudged", Label: "executed, and classed as not executed", Value: float64(misjudged), Tone: unit.Good})
	return nil
}

// provoke returns the error that the program gets, and whether the INCR ran.
func (s *stage) provoke(ctx context.Context, f failure) (told error, ran bool, err error) {
	if err := s.client.Ping(ctx).Err(); err != nil { // a connection, from before
		return nil, false, err
	}
	end, err := f.begin(ctx, s)
	if err != nil {
		return nil, false, err
	}
	told = s.client.Incr(ctx, s.key).Err()
	if err := end(); err != nil {
		return nil, false, err
	}
	if told == nil {
		return nil, false, fmt.Errorf("the INCR did not fail")
	}
	straight := s.Client()
	defer straight.Close()
	n, err := straight.Get(ctx, s.key).Int()
	if err != nil { // not there, or a list: nobody counted
		return told, false, nil
	}
	return told, n == 1, nil
}

// brief is an error without addresses.
func brief(err error) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(text, "read tcp") {
		text = after
	}
	if strings.HasPrefix(text, "dial tcp") {
		text = text[strings.LastIndex(text, ": ")+2:]
	}
	if len(text) > 48 {
		text = text[:47] + "…"
	}
	return text
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// advice is what to do after an error of this class.
func advice(c guard.Class) string {
	switch {
	case c == guard.Ambiguous:
		return "only if it may run twice"
	case c.Unexecuted():
		return "yes, later"
	}
	return "no"
}

// times is a failure that lasts, for the parts to come: Redis is loading.
func times(s *lab.Server, d time.Duration) (stop func(), err error) {
	clear, err := s.Throw(tap.Fault{Kind: tap.ErrorReply, Command: "INCR", Message: "LOADING Redis is loading the dataset in memory"})
	if err != nil {
		return nil, err
	}
	timer := time.AfterFunc(d, clear)
	return func() { timer.Stop(); clear() }, nil
}
