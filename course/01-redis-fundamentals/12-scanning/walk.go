package keyspace

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// walking looks for few keys among many: nearly every reply is empty.
func walking(ctx context.Context, r *unit.Run, s *shop) error {
	count := int64(r.Int("count"))
	r.Step("%d drafts among %s keys, by SCAN with MATCH draft:* and COUNT %d.", drafts, figure(r.Int("keys")), count)
	_, err := r.Trace(ctx, unit.Sample{
		Title: "the first three replies", Server: s.server,
		Note: "COUNT is how many keys Redis looks at, MATCH what it leaves out afterwards. The long number is the cursor: where to go on.",
	}, func(ctx context.Context, c *redis.Client) error {
		cursor := uint64(0)
		for i := range 3 {
			var err error
			if _, cursor, err = c.Scan(trace.WithRequest(ctx, fmt.Sprintf("reply %d", i+1)), cursor, "draft:*", count).Result(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	replies, empty, stopping := 0, 0, 0
	found := map[string]bool{}
	err = findByScan(ctx, s.rdb, "draft:*", count, func(names []string) {
		replies++
		for _, name := range names {
			found[name] = true
		}
		if len(names) == 0 {
			if empty == 0 { // here a loop ends that takes an empty reply for the end
				stopping = len(found)
			}
			empty++
		}
	})
	if err != nil {
		return err
	}
	if empty == 0 {
		stopping = len(found)
	}
	r.Metric(unit.Metric{Name: "matching", Label: "drafts in the shop", Value: drafts, Minor: true})
	r.Metric(unit.Metric{Name: "found_scan", Label: "drafts found by going on until the cursor is 0", Value: float64(len(found)), Tone: unit.Good})
	r.Metric(unit.Metric{Name: "found_stopping", Label: "drafts found by stopping at an empty reply", Value: float64(stopping), Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "replies", Label: "replies in all", Value: float64(replies), Minor: true})
	r.Metric(unit.Metric{Name: "empty_share", Label: "empty replies", Value: 100 * float64(empty) / float64(replies), Unit: "%"})
	return nil
}

// doubling makes SCAN return names twice: while a walk is on its way, all but
// those that it has seen leave, and the table shrinks. What were many small
// buckets becomes one large one, and the walk is in the middle of it.
func doubling(ctx context.Context, r *unit.Run, s *shop) error {
	const all, page, staying = 20_000, 100, 40
	key := "online"
	r.Step("%s people are online. The first page of their names has been read when all but %d of these leave.", figure(all), staying)
	if err := s.people(ctx, key, 0, all); err != nil {
		return err
	}
	seen := map[string]int{}
	names, cursor, err := s.rdb.SScan(ctx, key, 0, "", page).Result()
	if err != nil {
		return err
	}
	var others []any
	for i := range all {
		if !slices.Contains(names, person(i)) {
			others = append(others, person(i))
		}
	}
	var more []any
	for i, name := range names {
		seen[name]++
		if i >= staying {
			more = append(more, name)
		}
	}
	for _, wave := range [][]any{others, more} {
		if err := s.leave(ctx, key, wave); err != nil {
			return err
		}
	}
	for cursor != 0 {
		if names, cursor, err = s.rdb.SScan(ctx, key, cursor, "", page).Result(); err != nil {
			return err
		}
		for _, name := range names {
			seen[name]++
		}
	}
	twice := 0
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	r.Metric(unit.Metric{Name: "seen_twice", Label: fmt.Sprintf("of %d who stayed, returned twice", staying), Value: float64(twice), Tone: unit.Bad})
	return nil
}

// leave takes people out of a set. The table moves to a smaller one by a step at
// each look-up, so others look who is there until that is done.
func (s *shop) leave(ctx context.Context, key string, people []any) error {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.SRem(ctx, key, people...)
		for i := range 5000 {
			p.SIsMember(ctx, key, person(i))
		}
		return nil
	})
	return err
}

// coming has people come and leave while a walk is on its way.
func coming(ctx context.Context, r *unit.Run, s *shop) error {
	const stay, wave, page = 2000, 400, 100
	key := "street"
	r.Step("%s people stay. Between two pages %d others come, and those who came before leave.", figure(stay), wave)
	if err := s.people(ctx, key, 0, stay); err != nil {
		return err
	}
	seen, came := map[string]bool{}, stay
	for cursor, done := uint64(0), false; !done; {
		names, next, err := s.rdb.SScan(ctx, key, cursor, "", page).Result()
		if err != nil {
			return err
		}
		for _, name := range names {
			seen[name] = true
		}
		if err := s.people(ctx, key, came, came+wave); err != nil {
			return err
		}
		if came > stay {
			var leave []any
			for i := came - wave; i < came; i++ {
				leave = append(leave, person(i))
			}
			if err := s.rdb.SRem(ctx, key, leave...).Err(); err != nil {
				return err
			}
		}
		came += wave
		cursor, done = next, next == 0
	}
	missed, passing := 0, 0
	for i := range came {
		switch name := person(i); {
		case i < stay && !seen[name]:
			missed++
		case i >= stay && seen[name]:
			passing++
		}
	}
	r.Metric(unit.Metric{Name: "missed", Label: "of " + figure(stay) + " who stayed, missed", Value: float64(missed), Tone: unit.Good})
	r.Table(unit.Table{Title: "What a walk promises", Columns: []string{"who", "how many", "seen"}, Rows: [][]string{
		{"there from its start to its end", figure(stay), figure(stay - missed)},
		{"came or left meanwhile", figure(came - stay), figure(passing)},
	}})
	return nil
}

func person(i int) string { return fmt.Sprint("person:", i) }

// people puts those from one number to another into a set.
func (s *shop) people(ctx context.Context, key string, from, to int) error {
	var members []any
	for i := from; i < to; i++ {
		members = append(members, person(i))
	}
	return s.rdb.SAdd(ctx, key, members...).Err()
}
