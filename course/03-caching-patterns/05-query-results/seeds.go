// Package seeds is unit 3.05: queries that are made good before they are cached, as
// the seed library of an allotment association.
package seeds

import (
	"context"
	"fmt"
	"os"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "3.05",
	Title:    "Query optimisation and caching",
	Lead:     "\"What can I sow in June?\" takes 201 queries. Now Redis answers all 201 of them, each visit is a hit, and the page is slower than it need be without Redis.",
	Minutes:  75,
	After:    []string{"1.05", "1.13", "3.01", "3.02"},
	Packages: []string{"cache", "cache/outbox"},
	Params: []unit.Param{
		{Name: "varieties", Label: "varieties to sow in June", Kind: unit.IntParam, Min: "40", Max: "400", Default: "200", Quick: "40"},
		{Name: "packets", Label: "packets in the library", Kind: unit.IntParam, Min: "2000", Max: "16000", Default: "8000", Quick: "2000"},
		{Name: "visits", Label: "visits to the pages of a year", Kind: unit.IntParam, Min: "100", Max: "2000", Default: "400", Quick: "100"},
		{Name: "writes", Label: "packets given out per 100 visits", Kind: unit.IntParam, Min: "2", Max: "50", Default: "10", Quick: "10"},
	},
	Predict: unit.Prediction{
		Question: "The page makes 201 queries. One team puts Redis in front of each, and all are hits. Another team has no Redis, and makes one query of the 201, with an index. Whose page is there first?",
		Choices:  []string{"that of 201 hits in Redis", "about the same", "that of one query in the database"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "as written, the page asks once more than it has rows", Metric: "queries_plain", Op: "==", Other: "asks"},
		{Text: "SQLite reads the whole table for each of them", Metric: "scans_before_sqlite", Op: "==", Bound: 1},
		{Text: "so does PostgreSQL", Metric: "scans_before_postgres", Op: "==", Bound: 1, Need: unit.NeedPostgres},
		{Text: "with an index SQLite does not", Metric: "scans_after_sqlite", Op: "==", Bound: 0},
		{Text: "nor does PostgreSQL", Metric: "scans_after_postgres", Op: "==", Bound: 0, Need: unit.NeedPostgres},
		{Text: "the index makes the page faster in SQLite", Metric: "later_plain_sqlite", Op: ">", Bound: 1.5, Other: "later_indexed_sqlite", Timing: true},
		{Text: "and in PostgreSQL", Metric: "later_plain_postgres", Op: ">", Other: "later_indexed_postgres", Timing: true, Need: unit.NeedPostgres},
		{Text: "one query makes the same page", Metric: "queries_joined", Op: "==", Bound: 1},
		{Text: "each query cached, a hit is as many round trips as there were queries", Metric: "trips_each_cached", Op: "==", Other: "asks"},
		// Of SQLite the table says it: under the race detector, which slows all Go
		// down and so this SQLite, it is not so.
		{Text: "and slower than one query of PostgreSQL without a cache", Metric: "later_each_cached_postgres", Op: ">", Other: "later_joined_postgres", Timing: true, Need: unit.NeedPostgres},
		{Text: "one query cached is one round trip", Metric: "trips_cached", Op: "==", Bound: 1},
		{Text: "and no query", Metric: "queries_cached", Op: "==", Bound: 0},
		{Text: "a key of the SQL alone gives all months one page", Metric: "wrong_text", Op: ">=", Bound: months - 1},
		{Text: "arguments joined by spaces give two searches one answer", Metric: "wrong_joined", Op: "==", Bound: 1},
		{Text: "with types and lengths everybody gets an own answer", Metric: "wrong_typed", Op: "==", Bound: 0},
		{Text: "a tag for the table hits less often than one for its part", Metric: "hits_table", Op: "<", Other: "hits_month"},
		{Text: "invalidated before the commit, each reader brings the old rows back, lease or not, in SQLite", Metric: "read_first_sqlite", Op: "==", Bound: rounds},
		{Text: "and in PostgreSQL", Metric: "read_first_postgres", Op: "==", Bound: rounds, Need: unit.NeedPostgres},
		{Text: "invalidated after it, none does", Metric: "read_after_sqlite", Op: "==", Bound: 0},
		{Text: "but a process that dies in between leaves them", Metric: "died_after_sqlite", Op: "==", Bound: rounds},
		{Text: "a cached query inside a transaction publishes rows that never were, in SQLite", Metric: "back_inside_sqlite", Op: "==", Bound: rounds},
		{Text: "and in PostgreSQL", Metric: "back_inside_postgres", Op: "==", Bound: rounds, Need: unit.NeedPostgres},
		{Text: "kit/cache/outbox leaves none of these, in SQLite", Metric: "wrong_outbox_sqlite", Op: "==", Bound: 0},
		{Text: "nor in PostgreSQL", Metric: "wrong_outbox_postgres", Op: "==", Bound: 0, Need: unit.NeedPostgres},
		{Text: "some order is wrong when the commit comes last", Metric: "failing_first", Op: ">", Bound: 0},
		{Text: "none when it comes first", Metric: "failing_after", Op: "==", Bound: 0},
		{Text: "but some crash or lost reply is", Metric: "failing_after_faults", Op: ">", Bound: 0},
		{Text: "with a note in the same commit no order is wrong, nor any crash or lost reply", Metric: "failing_outbox", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{firstRace, afterRace, outboxRace},
	Terms: []unit.Term{
		{Word: "query plan", Means: "What a database intends to do for a query, step by step, as EXPLAIN shows it.", Also: []string{"query plans"}},
		{Word: "full scan", Means: "Reading all rows of a table to find some.", Also: []string{"full scans", "Seq Scan"}},
		{Word: "table tag", Means: "The name of a table, borne by all cached answers of queries that read it, and by which they are invalidated together.", Also: []string{"table tags"}},
		{Word: "outbox", Means: "A table to which a transaction writes what is to be told to others once it has committed."},
	},
	Tasks: []unit.Task{
		{ID: "hit", Title: "asks the database once, and Redis in one round trip from then on"},
		{ID: "arguments", Title: "gives no question another's answer"},
		{ID: "errors", Title: "keeps no error, and no answer that broke off"},
		{ID: "tables", Title: "forgets the answers of changed tables, and no others"},
		{ID: "commit", Title: "lets nobody bring the old rows back before the commit"},
		{ID: "late", Title: "refuses a reader who comes back late with the old rows"},
		{ID: "inside", Title: "keeps what a transaction sees to the transaction"},
		{ID: "rollback", Title: "changes nothing when the transaction does not"},
		{ID: "told", Title: "works without Redis, and says when the cache was not told"},
	},
	Run: run,
}

// answer compares all hits with one query.
func answer(m unit.Metrics) (int, string) {
	hits, timed := m["later_each_cached_sqlite"]
	if !timed {
		return 2, fmt.Sprintf("%.0f hits are %.0f round trips, one after the other; a query is one.", m["trips_each_cached"], m["trips_each_cached"])
	}
	query := m["later_joined_sqlite"]
	because := fmt.Sprintf("%.1f ms for %.0f hits, %.1f ms for one query in SQLite", hits, m["trips_each_cached"], query)
	if server, ok := m["later_joined_postgres"]; ok {
		because += fmt.Sprintf(" and %.1f ms in PostgreSQL", server)
		query = max(query, server)
	}
	because += ". A hit is a round trip, and the loop makes them one after the other."
	switch {
	case hits < 0.8*query:
		return 0, because
	case hits < 1.2*query:
		return 1, because
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	dir, err := os.MkdirTemp("", "grind-seeds-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	all, err := open(ctx, r, dir)
	if err != nil {
		return err
	}
	defer closeAll(all)
	r.Metric(unit.Metric{Name: "asks", Label: "rows of the page, and one", Value: float64(r.Int("varieties") + 1), Minor: true})
	for _, l := range all {
		if err := l.fill(ctx, r.Int("varieties"), r.Int("packets")); err != nil {
			return err
		}
	}
	for _, part := range []func(context.Context, *unit.Run, []*library) error{climbing, naming, tagging, committing, racing, requesting} {
		if err := part(ctx, r, all); err != nil {
			return err
		}
	}
	return nil
}
