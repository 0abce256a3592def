package ranking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// region: sorting

// placeBySorting fetches all scores out of a hash, sorts them, and looks.
func placeBySorting(ctx context.Context, rdb redis.Cmdable, key, player string) (int, error) {
	scores, err := rdb.HGetAll(ctx, key).Result()
	if err != nil {
		return 0, err
	}
	type row struct {
		name  string
		score int
	}
	rows := make([]row, 0, len(scores))
	for name, text := range scores {
		score, err := strconv.Atoi(text)
		if err != nil {
			return 0, err
		}
		rows = append(rows, row{name, score})
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(b.score, a.score) })
	return 1 + slices.IndexFunc(rows, func(r row) bool { return r.name == player }), nil
}

// endregion

// region: rank

// placeByRank asks Redis, which counts from 0.
func placeByRank(ctx context.Context, rdb redis.Cmdable, key, player string) (int64, error) {
	rank, err := rdb.ZRevRank(ctx, key, player).Result()
	return rank + 1, err
}

// endregion

// pageRows is how many rows a page of the board has.
const pageRows = 10

// region: pages

// pageByRank names the rows by their ranks.
func pageByRank(ctx context.Context, rdb redis.Cmdable, key string, from int64) *redis.StringSliceCmd {
	return rdb.ZRangeArgs(ctx, redis.ZRangeArgs{Key: key, Start: from, Stop: from + pageRows - 1, Rev: true})
}

// pageByOffset names a range of scores, and skips what stands before the page.
// With REV the higher score comes first: the other way round the answer is empty.
func pageByOffset(ctx context.Context, rdb redis.Cmdable, key string, from int64) *redis.StringSliceCmd {
	return rdb.ZRangeArgs(ctx, redis.ZRangeArgs{Key: key, Start: "+inf", Stop: "-inf", ByScore: true, Rev: true, Offset: from, Count: pageRows})
}

// endregion

// size is one board of the measurement.
type size struct {
	players       int
	board, hash   string
	sorting, rank []float64 // µs
	offset, page  []float64
}

// growing asks the same questions of three boards, each ten times the one before.
func growing(ctx context.Context, r *unit.Run) error {
	n := r.Int("players")
	sizes := []*size{{players: n / 100}, {players: n / 10}, {players: n}}
	r.Step("Boards of %s, %s and %s players, as a hash and as a sorted set.", figure(sizes[0].players), figure(sizes[1].players), figure(n))
	for _, s := range sizes {
		if err := s.load(ctx, r); err != nil {
			return err
		}
	}
	if !r.Embedded() { // its sorted sets are sorted anew for each question
		r.Step("Which place has somebody? And the last page of the board?")
		// Sizes take turns, so that a busy moment of this machine hits all of them.
		const rounds = 5
		for round := range rounds {
			for _, s := range sizes {
				if err := s.measure(ctx, r); err != nil {
					return err
				}
			}
			r.Progress("measuring", round+1, rounds)
		}
	}
	show(r, sizes)
	return onTheWire(ctx, r, sizes[2])
}

func name(i int) string { return fmt.Sprintf("player:%d", i) }

// load puts the same random scores into a hash and into a sorted set.
func (s *size) load(ctx context.Context, r *unit.Run) error {
	s.hash, s.board = r.Key(fmt.Sprint("hash:", s.players)), r.Key(fmt.Sprint("board:", s.players))
	const batch = 1000
	for from := 0; from < s.players; from += batch {
		var fields []any
		var members []redis.Z
		for i := from; i < min(from+batch, s.players); i++ {
			score := rand.IntN(10_000_000)
			fields = append(fields, name(i), score)
			members = append(members, redis.Z{Score: float64(score), Member: name(i)})
		}
		_, err := r.Redis().Pipelined(ctx, func(p redis.Pipeliner) error {
			return errors.Join(p.HSet(ctx, s.hash, fields...).Err(), p.ZAdd(ctx, s.board, members...).Err())
		})
		if err != nil {
			return err
		}
		r.Progress(fmt.Sprintf("loading %s players", figure(s.players)), min(from+batch, s.players), s.players)
	}
	return nil
}

// measure takes one round. Questions to Redis go in one pipeline, so that what is
// timed is the work and not the wire; sorting in Go is slow enough alone.
func (s *size) measure(ctx context.Context, r *unit.Run) error {
	start := time.Now()
	if _, err := placeBySorting(ctx, r.Redis(), s.hash, name(rand.IntN(s.players))); err != nil {
		return err
	}
	s.sorting = append(s.sorting, micros(start, 1))
	last := int64(s.players - pageRows)
	for _, q := range []struct {
		took *[]float64
		asks int
		ask  func(p redis.Pipeliner)
	}{
		{&s.rank, r.Int("asks"), func(p redis.Pipeliner) { p.ZRevRank(ctx, s.board, name(rand.IntN(s.players))) }},
		{&s.page, r.Int("asks"), func(p redis.Pipeliner) { pageByRank(ctx, p, s.board, last) }},
		{&s.offset, 3, func(p redis.Pipeliner) { pageByOffset(ctx, p, s.board, last) }},
	} {
		start := time.Now()
		_, err := r.Redis().Pipelined(ctx, func(p redis.Pipeliner) error {
			for range q.asks {
				q.ask(p)
			}
			return nil
		})
		if err != nil {
			return err
		}
		*q.took = append(*q.took, micros(start, q.asks))
	}
	return nil
}

func micros(start time.Time, n int) float64 {
	return float64(time.Since(start).Nanoseconds()) / 1000 / float64(n)
}

// fastest is the round that other programs of this machine disturbed the least.
func fastest(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	return slices.Min(all)
}

// show draws the growth and names the figures of the smallest and largest board.
func show(r *unit.Run, sizes []*size) {
	chart := unit.Chart{Kind: unit.Lines, Title: "The work for one answer, as the board grows", XLabel: "players", YLabel: "µs", Unit: "µs", LogX: true, LogY: true, Timing: true}
	small, large := sizes[0], sizes[len(sizes)-1]
	for _, way := range []struct {
		metric, label string
		tone          unit.Tone
		of            func(*size) []float64
	}{
		{"sorting", "place: all scores, sorted in Go", unit.Bad, func(s *size) []float64 { return s.sorting }},
		{"rank", "place: ZREVRANK", unit.Good, func(s *size) []float64 { return s.rank }},
		{"page_offset", "last page: LIMIT offset", unit.Bad, func(s *size) []float64 { return s.offset }},
		{"page_rank", "last page: by rank", unit.Good, func(s *size) []float64 { return s.page }},
	} {
		series := unit.Series{Name: way.label, Tone: way.tone}
		for _, s := range sizes {
			series.Points = append(series.Points, unit.Point{X: float64(s.players), Y: fastest(way.of(s))})
		}
		chart.Series = append(chart.Series, series)
		r.Metric(unit.Metric{Name: "us_" + way.metric, Label: way.label + ", " + figure(large.players) + " players", Value: fastest(way.of(large)), Unit: "µs", Tone: way.tone, Timing: true})
		r.Metric(unit.Metric{Name: "us_" + way.metric + "_small", Label: way.label + ", " + figure(small.players) + " players", Value: fastest(way.of(small)), Unit: "µs", Timing: true, Minor: true})
	}
	r.Chart(chart)
}

// onTheWire counts the bytes of one answer each way, and looks whether both pages
// hold the same rows.
func onTheWire(ctx context.Context, r *unit.Run, s *size) error {
	r.Step("One question each way, on the wire.")
	player := name(s.players / 2)
	bytes := unit.Chart{Kind: unit.Bars, Title: "Bytes that come back for one place", Unit: "B", Series: []unit.Series{{Name: "bytes"}}}
	for _, way := range []struct {
		label, metric string
		ask           func(ctx context.Context, c *redis.Client) error
	}{
		{"sorted in Go", "sorting", func(ctx context.Context, c *redis.Client) error {
			_, err := placeBySorting(ctx, c, s.hash, player)
			return err
		}},
		{"ZREVRANK", "rank", func(ctx context.Context, c *redis.Client) error {
			_, err := placeByRank(ctx, c, s.board, player)
			return err
		}},
	} {
		seen, err := r.Trace(ctx, unit.Sample{Title: "one place, " + way.label}, func(ctx context.Context, c *redis.Client) error {
			return way.ask(trace.WithRequest(ctx, way.label), c)
		})
		if err != nil {
			return err
		}
		back := 0.0
		for _, e := range seen.Events {
			if e.Kind == trace.Command {
				back += float64(e.Received)
			}
		}
		r.Metric(unit.Metric{Name: "bytes_" + way.metric, Label: "for one place, " + way.label, Value: back, Unit: "B"})
		bytes.Series[0].Points = append(bytes.Series[0].Points, unit.Point{Label: way.label, Y: back})
	}
	r.Chart(bytes)
	from := int64(s.players - pageRows)
	byRank, err := pageByRank(ctx, r.Redis(), s.board, from).Result()
	if err != nil {
		return err
	}
	byOffset, err := pageByOffset(ctx, r.Redis(), s.board, from).Result()
	if err != nil {
		return err
	}
	differ := 0.0
	if !slices.Equal(byRank, byOffset) {
		differ = 1
	}
	r.Metric(unit.Metric{Name: "pages_differ", Label: "last pages that differ", Value: differ, Minor: true})
	return nil
}

func figure(n int) string { return unit.Figure(float64(n), "") }
