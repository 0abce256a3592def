package workbench

import (
	"context"
	"fmt"
	"testing/fstest"
	"time"

	"github.com/redis-grind/grind/internal/picture"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// likes is the race of the tests: read, then write, on a real Redis.
func likes(name, title string, do func(ctx context.Context, c race.Client, key string) error) race.Scenario {
	actor := func(who string) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			return do(ctx, c, k("likes:42"))
		}}
	}
	return race.Scenario{
		Name: name, Title: title, Watch: []string{"likes:42"},
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return c.Set(ctx, k("likes:42"), 0, 0).Err()
		},
		Actors: []race.Actor{actor("alice"), actor("bob")},
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			n, err := c.Get(ctx, k("likes:42")).Int()
			if err != nil {
				return err
			}
			done := 0
			for _, e := range ends {
				if e.Err == nil && !e.Crashed {
					done++
				}
			}
			if n < done {
				return &race.Violation{Message: fmt.Sprintf("likes:42 is %d. %d likes were given; %d is lost.", n, done, done-n)}
			}
			return nil
		},
		Good: "every like is counted",
	}
}

// lesson is a text with everything that a text may have.
const lesson = "# Key-value and atomic counters\n\nA like button on a popular photo gets 50 requests at once. The obvious code reads the count, adds one and writes it back. Each line of it is right, and together they lose likes.\n\n" +
	"```go file=strings.go region=naive\nn, err := rdb.Get(ctx, key).Int() // read\nif err != nil {\n\treturn err\n}\nreturn rdb.Set(ctx, key, n+1, 0).Err()\n```\n\n" +
	"Between the two commands there is a gap, and on a busy server somebody is always in it. Step through it on the right: Alice reads 0, Bob reads 0, both write 1. One like is gone, and no error was returned to anyone.\n\n" +
	"## Build it\n\nRedis runs one command at a time, so a read-modify-write that is a single command has no gap. `INCR` is that command:\n\n```go\nn, err := rdb.Incr(ctx, key).Result()\n```\n\n" +
	"## What can go wrong\n\n```console\n$ grind run 1.01\nlost with GET, SET   31,877\nlost with INCR       0\n```\n\n| command | trips | safe |\n| --- | ---: | --- |\n| GET, SET | 2 | no |\n| INCR | 1 | yes |\n\n" +
	"<script>alert(1)</script>\n\n> Counters that should expire tempt you into a second command.\n\n## Exercise\n\nWrite `Hit(ctx, rdb, page, day)`: counts a view and returns the total of that day; the key goes away two days later, whatever crashes. One round trip.\n"

// demo is a unit that has everything a unit can have.
func demo() *unit.Unit {
	return &unit.Unit{
		ID: "1.01", Title: "Key-value and atomic counters", Minutes: 12, After: []string{"1.02"},
		Lead: "Two people like the same photo in the same millisecond. Your counter says one.",
		Params: []unit.Param{
			{Name: "clients", Label: "clients", Kind: unit.IntParam, Min: "1", Max: "200", Default: "50"},
			{Name: "each", Label: "likes each", Kind: unit.IntParam, Min: "10", Max: "100000", Default: "1000"},
			{Name: "latency", Label: "latency", Kind: unit.DurationParam, Min: "0s", Max: "100ms", Default: "1ms"},
			{Name: "policy", Label: "policy", Kind: unit.EnumParam, Choices: []string{"none", "single flight", "lease"}, Default: "lease"},
			{Name: "jitter", Label: "with jitter", Kind: unit.BoolParam, Default: "true"},
		},
		Predict: unit.Prediction{
			Question: "50 clients like 1,000 times each, by GET and SET. How many likes are lost?",
			Choices:  []string{"none", "a few", "more than half"},
		},
		Races: []race.Scenario{
			likes("get-set", "GET, then SET", func(ctx context.Context, c race.Client, key string) error {
				n, err := c.Get(ctx, key).Int()
				if err != nil {
					return err
				}
				return c.Set(ctx, key, n+1, 0).Err()
			}),
			likes("incr", "INCR", func(ctx context.Context, c race.Client, key string) error { return c.Incr(ctx, key).Err() }),
		},
		Tasks: []unit.Task{
			{ID: "exact", Title: "counts every view of 200 clients"}, {ID: "day", Title: "a new day starts at 1"},
			{ID: "trip", Title: "takes one round trip"}, {ID: "crash", Title: "leaves no key behind after a crash"},
		},
	}
}

// demoCourse is a course of two phases with units and seven without.
func demoCourse() *unit.Course {
	first := demo()
	c := &unit.Course{Files: fstest.MapFS{"01-a/01-strings/lesson.md": {Data: []byte(lesson)}}}
	entry := func(dir, id, title string) unit.Entry {
		return unit.Entry{Dir: dir, Unit: &unit.Unit{ID: id, Title: title, Lead: "A sentence that says how it hurts.", Minutes: 10}}
	}
	c.Phases = []unit.Phase{
		{Number: 1, Title: "Redis fundamentals", Teaches: "data types, expiry, transactions, pipelines", Units: []unit.Entry{
			{Dir: "01-a/01-strings", Unit: first},
			entry("01-a/02-hashes", "1.02", "Objects"), entry("01-a/03-expiration", "1.03", "Time to live"),
			entry("01-a/04-pipelines", "1.04", "Batches"), entry("01-a/05-transactions", "1.05", "MULTI, WATCH and a first script"),
			entry("01-a/09-sorted-sets", "1.09", "Rankings and ranges"),
		}},
		{Number: 2, Title: "Web integration", Teaches: "pools, dependencies, health, errors", Units: []unit.Entry{
			entry("02-b/01-first-api", "2.01", "A typed API on Redis"), entry("02-b/02-connections", "2.02", "Connections and their life"),
		}},
	}
	for i, title := range []string{"Caching patterns", "Session management", "Rate limiting", "Real-time features", "Advanced patterns", "Production practices", "Projects"} {
		c.Phases = append(c.Phases, unit.Phase{Number: i + 3, Title: title, Teaches: "more of it"})
	}
	c.Routes = []unit.Route{
		{Name: "all", Title: "All of it", About: "Every unit, in order."},
		{Name: "weekend", Title: "A weekend", About: "The shortest way to using Redis well.", Units: []string{"1.01", "1.03", "2.01"}},
	}
	return c
}

// demoEvents are one of each event, as a run would tell them.
func demoEvents() []unit.Event {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	ev := func(seq uint64, conn uint64, actor, request, name string, trip uint64, µs int, reply trace.Reply, args ...string) trace.Event {
		return trace.Event{
			Seq: seq, Kind: trace.Command, Conn: conn, Client: "sample", Label: trace.Label{Actor: actor, Request: request},
			Name: name, Args: args, Reply: reply, At: at.Add(time.Duration(seq) * time.Millisecond),
			Duration: time.Duration(µs) * time.Microsecond, Trip: trip,
		}
	}
	hello := ev(1, 1, "", "", "HELLO", 1, 90, trace.Reply{Type: "map", Text: "[server, redis, …]"}, "3")
	hello.Kind = trace.Handshake
	lost := ev(7, 2, "web-1", "", "INCR", 3, 55, trace.Reply{}, "views:2026-11-22")
	lost.Fault = "reply lost"
	multi := ev(8, 2, "web-2", "", "MULTI", 4, 61, trace.Reply{Type: "simple", Text: "OK"})
	inTx := ev(9, 2, "web-2", "", "INCR", 4, 61, trace.Reply{Type: "error", Text: "WRONGTYPE Operation against a key holding the wrong kind of value"}, "queue")
	multi.Tx, inTx.Tx = true, true
	return []unit.Event{
		unit.Start{ID: "1.01", Title: "Key-value and atomic counters", Redis: "Redis 7.0.15", Params: map[string]string{"clients": "50", "each": "1000"}},
		unit.Step{Text: "50 clients like 1,000 times each, by GET and SET"},
		unit.Progress{Label: "likes by GET, SET", Done: 31_200, Total: 50_000},
		unit.Step{Text: "the same with INCR"},
		unit.Metric{Name: "lost_get_set", Label: "lost with GET, SET", Value: 31_877, Tone: unit.Bad},
		unit.Metric{Name: "lost_incr", Label: "lost with INCR", Value: 0, Tone: unit.Good},
		unit.Metric{Name: "rate_incr", Label: "likes with INCR", Value: 81_230, Unit: "ops/s", Timing: true},
		unit.Metric{Name: "trips", Label: "round trips a like", Value: 2, Minor: true},
		unit.Predict{Question: "How many likes are lost?", Choices: []string{"none", "a few", "more than half"}, Right: 2, Because: "With 50 clients, 64 % were."},
		unit.Chart{Kind: unit.Bars, Title: "Likes counted", Series: []unit.Series{
			{Name: "GET, SET", Tone: unit.Bad, Points: []unit.Point{{Y: 18_123}}},
			{Name: "INCR", Tone: unit.Good, Points: []unit.Point{{Y: 50_000}}},
		}, Mark: &unit.Mark{Label: "expected", Value: 50_000}},
		unit.Chart{Kind: unit.Lines, Title: "Throughput as clients grow", XLabel: "clients", Unit: "ops/s", LogX: true, Series: []unit.Series{
			{Name: "GET, SET", Points: []unit.Point{{X: 1, Y: 9_200}, {X: 8, Y: 31_000}, {X: 64, Y: 44_000}, {X: 512, Y: 45_500}}},
			{Name: "INCR", Points: []unit.Point{{X: 1, Y: 18_100}, {X: 8, Y: 62_000}, {X: 64, Y: 88_000}, {X: 512, Y: 90_100}}},
		}, Mark: &unit.Mark{Label: "ceiling", Value: 120_000}},
		unit.Chart{Kind: unit.Lanes, Title: "Who held the lock", XLabel: "ms", Series: []unit.Series{
			{Name: "alice", Points: []unit.Point{{Label: "held", X: 0, Y: 300}, {Label: "late", X: 520, Y: 90}}},
			{Name: "bob", Points: []unit.Point{{Label: "held", X: 310, Y: 260}}},
		}, Mark: &unit.Mark{Label: "TTL ends", Value: 300}},
		unit.Chart{Kind: unit.Heat, Title: "Requests by second", Series: []unit.Series{
			{Name: "web-1", Points: []unit.Point{{Label: "0", Y: 0}, {Label: "1", Y: 12}, {Label: "2", Y: 40}, {Label: "3", Y: 8}, {Label: "4", Y: 22}}},
			{Name: "web-2", Points: []unit.Point{{Label: "0", Y: 3}, {Label: "1", Y: 18}, {Label: "2", Y: 36}, {Label: "3", Y: 0}, {Label: "4", Y: 31}}},
		}},
		unit.Table{Title: "Both ways", Columns: []string{"code", "counted", "round trips", "note"}, Rows: [][]string{
			{"GET, SET", "18,123", "2", "a different number each time, because who is in the gap differs"}, {"INCR", "50,000", "1", "–"},
		}},
		unit.Keys{Title: "What is in Redis now", Keys: demoKeys()},
		demoFilm(),
		unit.Trace{Title: "one like each way", Prefix: "grind:{x}:", RoundTrips: 6, Note: "The sample went through the tap; the load did not.", Events: []trace.Event{
			hello,
			ev(2, 1, "alice", "like by GET, SET", "GET", 2, 41, trace.Reply{Type: "bulk", Text: `"18121"`}, "likes:42"),
			ev(3, 1, "alice", "like by GET, SET", "SET", 3, 39, trace.Reply{Type: "simple", Text: "OK"}, "likes:42", "18122"),
			ev(4, 1, "alice", "like by INCR", "INCR", 4, 40, trace.Reply{Type: "integer", Text: "50000"}, "likes:42"),
			ev(5, 2, "bob", "batch", "INCR", 1, 52, trace.Reply{Type: "integer", Text: "50001"}, "likes:42"),
			ev(6, 2, "bob", "batch", "SET", 1, 52, trace.Reply{Type: "simple", Text: "OK"}, "greeting", "hello world <b>"),
			lost, multi, inTx,
		}},
		unit.Race{Scenario: "get-set", Title: "Two likes, GET then SET", Outcome: demoOutcome()},
		unit.Race{Scenario: "get-set", Title: "Two likes, GET then SET", Report: &race.Report{Played: 94, Failing: 38, Orders: 6, Crashes: 40, Lost: 48, Shortest: demoOutcome(), Cut: "over 20 steps", Millis: 1412}},
		unit.Checked{Text: "GET and SET lose likes", Metric: "lost_get_set", Op: ">", Bound: 0, Value: 31_877, OK: true},
		unit.Checked{Text: "INCR loses none", Metric: "lost_incr", Op: "==", Bound: 0, Value: 0, OK: true},
		unit.Checked{Text: "INCR is faster", Metric: "rate_incr", Op: ">=", Bound: 40_000, Skipped: true},
		unit.Checked{Text: "a place costs little", Metric: "bytes_rank", Op: "<", Bound: 281, Value: 54, Unit: "B", OK: true},
		unit.Result{OK: true, Metrics: unit.Metrics{"lost_get_set": 31_877}, Millis: 1412},
	}
}

func demoKeys() []picture.Key {
	return []picture.Key{
		{Name: "likes:42", Type: "string", Encoding: "int", TTL: -1, Length: 5, Items: []picture.Item{{Value: "50000"}}},
		{Name: "greeting", Type: "string", Encoding: "embstr", TTL: 59_400, Length: 5, Items: []picture.Item{{Value: "hello"}}},
		{Name: "days", Type: "string", Encoding: "raw", TTL: -1, Length: 3, Items: []picture.Item{{Value: `\x10\x00\xff`}}},
		{Name: "user:1", Type: "hash", Encoding: "listpack", TTL: 8_200, Length: 2, Items: []picture.Item{{Name: "name", Value: "Ada"}, {Name: "city", Value: "London"}}},
		{Name: "jobs", Type: "list", Encoding: "listpack", TTL: -1, Length: 120, Items: []picture.Item{{Value: "mail"}, {Value: "resize"}, {Value: "invoice"}}, More: 117},
		{Name: "tags", Type: "set", Encoding: "listpack", TTL: -1, Length: 3, Items: []picture.Item{{Value: "go"}, {Value: "redis"}, {Value: "web"}}},
		{Name: "scores", Type: "zset", Encoding: "listpack", TTL: -1, Length: 3, Items: []picture.Item{{Name: "0", Value: "bob", Score: "95"}, {Name: "1", Value: "ada", Score: "120"}, {Name: "2", Value: "eve", Score: "143"}}},
		{Name: "events", Type: "stream", Encoding: "stream", TTL: -1, Length: 2, Items: []picture.Item{{Name: "1700000000000-0", Value: "type login user 1"}, {Name: "1700000000001-0", Value: "type logout user 1"}}, Groups: []picture.Group{{Name: "mailers", Last: "1700000000000-0", Pending: 1, Lag: 1}}},
		{Name: "session:9", Type: "none", TTL: -2},
	}
}

// demoFilm has all that a film can show: time that runs down, places that change,
// cells of each shade, a row of one cell.
func demoFilm() unit.Film {
	hold := func(left int64) picture.Key {
		return picture.Key{Name: "hold:1a", Type: "string", TTL: left, Length: 4, Items: []picture.Item{{Value: "otto"}}}
	}
	board := func(members ...string) picture.Key {
		k := picture.Key{Name: "board", Type: "zset", TTL: -1, Length: 3}
		for i, m := range members {
			k.Items = append(k.Items, picture.Item{Name: fmt.Sprint(i), Value: m, Score: fmt.Sprint(7000 + 500*i)})
		}
		return k
	}
	return unit.Film{Title: "A hold, a board, a display", Frames: []unit.Frame{
		{Caption: "before", Keys: []picture.Key{hold(800), board("wanda", "zoe", "otto")}, Rows: []unit.Row{{Name: "hall", Note: "listens", Cells: make([]unit.Cell, 3)}}},
		{Caption: "zoe passes otto", Millis: 400, Keys: []picture.Key{hold(400), board("wanda", "otto", "zoe")}, Rows: []unit.Row{{Name: "hall", Note: "listens", Cells: []unit.Cell{{Text: "late", Mark: unit.New}, {Text: "missed", Mark: unit.Wrong}, {}}}}},
		{Caption: "the hold is gone", Millis: 810, Keys: []picture.Key{{Name: "hold:1a", Type: "none", TTL: -1}, board("wanda", "otto", "zoe")}, Rows: []unit.Row{{Name: "hall", Note: "away", Cells: []unit.Cell{{Text: "late", Mark: unit.Old}}}}},
	}}
}

func demoOutcome() *race.Outcome {
	return &race.Outcome{
		Schedule: "A B A B", Actors: []string{"alice", "bob"}, Done: true,
		Steps: []race.Step{
			{Move: race.Move{Actor: 0}, Name: "alice", Command: "GET likes:42", Reply: `"0"`},
			{Move: race.Move{Actor: 1}, Name: "bob", Command: "GET likes:42", Reply: `"0"`},
			{Move: race.Move{Actor: 0, Fault: race.LostReply}, Name: "alice", Command: "SET likes:42 1"},
			{Move: race.Move{Actor: 1, Fault: race.Crash}, Name: "bob", Command: "SET likes:42 1"},
		},
		Next: []string{"", ""}, Ends: []string{"i/o timeout", "crashed"},
		Violation: "likes:42 is 1. Two likes were given; one is lost.",
	}
}
