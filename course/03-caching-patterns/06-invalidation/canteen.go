// Package canteen is unit 3.06: how others learn that an entry is old, and what they
// show when nobody tells them.
package canteen

import (
	"context"
	"fmt"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// Unit is the topic; course.go lists it.
var Unit = unit.Unit{
	ID:       "3.06",
	Title:    "Invalidation",
	Lead:     "At 11:40 the cook put walnuts into the stew, and the board said so. One till was not told, and answered every child who asked: no nuts.",
	Minutes:  70,
	After:    []string{"1.09", "1.11", "3.01"},
	Packages: []string{"cache"},
	Params: []unit.Param{
		{Name: "dishes", Label: "dishes that change", Kind: unit.IntParam, Min: "2", Max: "100", Default: "8", Quick: "4"},
		{Name: "ttl", Label: "how long an entry lives in Redis", Kind: unit.DurationParam, Min: "200ms", Max: "20s", Default: "3s", Quick: "1s"},
		{Name: "local", Label: "how long a copy lives in the till", Kind: unit.DurationParam, Min: "100ms", Max: "10s", Default: "1200ms", Quick: "400ms"},
		{Name: "loss", Label: "how the way to the till fails", Kind: unit.EnumParam, Choices: []string{cut, silence}, Default: cut},
	},
	Predict: unit.Prediction{
		Question: "An entry lives for 3 s in Redis, a copy of it for 1.2 s in the till. A dish changes, and nobody is told. For how long can the till show the old recipe?",
		Choices:  []string{"1.2 s, the time of its copy", "3 s, the longer of the two", "for longer than 3 s"},
		Answer:   answer,
	},
	Claims: []unit.Claim{
		{Text: "a TTL costs a writer nothing", Metric: "commands_ttl", Op: "==", Bound: 0},
		{Text: "a delete costs one command, if all keys are known", Metric: "commands_delete", Op: "==", Bound: 1},
		{Text: "a tag costs two", Metric: "commands_tags", Op: "==", Bound: 2},
		{Text: "a version one, however many pages there are", Metric: "commands_versions", Op: "==", Bound: 1},
		{Text: "a message is one more", Metric: "commands_pubsub", Op: "==", Bound: 2},
		{Text: "with tracking the server sends it", Metric: "commands_tracking", Op: "==", Other: "commands_delete"},
		{Text: "with a TTL alone, the times of the two layers add up", Metric: "longest_ttl", Op: ">", Other: "life_ttl", Timing: true},
		{Text: "a delete in Redis leaves the till's own copy", Metric: "longest_delete", Op: ">", Bound: 0.5, Other: "life_local", Timing: true},
		{Text: "so does a tag", Metric: "longest_tags", Op: ">", Bound: 0.5, Other: "life_local", Timing: true},
		{Text: "with a version half of the pages are right before that", Metric: "half_versions", Op: "<", Other: "longest_delete", Timing: true},
		{Text: "but each read asks Redis", Metric: "asks_versions", Op: "==", Bound: 100, Timing: true},
		{Text: "who is told asks seldom", Metric: "asks_pubsub", Op: "<", Bound: 50, Timing: true},
		{Text: "and half of the pages are right before the till's copy of any ends", Metric: "half_pubsub", Op: "<", Other: "longest_delete", Timing: true},
		{Text: "so are they with a push", Metric: "half_tracking", Op: "<", Other: "longest_delete", Timing: true},
		{Text: "and with kit/cache", Metric: "half_kit", Op: "<", Other: "longest_delete", Timing: true},
		{Text: "by tag too", Metric: "half_kit_tags", Op: "<", Other: "longest_delete", Timing: true},
		{Text: "a delete that is lost is as none", Metric: "lost_delete", Op: ">", Other: "life_ttl", Timing: true},
		{Text: "so is a tag", Metric: "lost_tags", Op: ">", Other: "life_ttl", Timing: true},
		{Text: "and a version", Metric: "lost_versions", Op: ">", Other: "life_ttl", Timing: true},
		{Text: "a message that is lost leaves the till's copy to its TTL", Metric: "lost_pubsub", Op: ">", Bound: 0.5, Other: "life_local", Timing: true},
		{Text: "who notices that the connection broke, and keeps nothing, is right long before", Metric: "half_lost_tracking", Op: "<", Other: "lost_pubsub", Timing: true},
		{Text: "so is kit/cache", Metric: "half_lost_kit", Op: "<", Other: "lost_pubsub", Timing: true},
		{Text: "some orders of a load and an invalidation by tag leave the old page", Metric: "failing_tags", Op: ">", Bound: 0},
		{Text: "with a version that was read before the load none does", Metric: "failing_versions", Op: "==", Bound: 0},
	},
	Races: []race.Scenario{tagRace, versionRace},
	Terms: []unit.Term{
		{Word: "staleness window", Means: "For how long after a change a reader may still be shown what was before it.", Also: []string{"staleness"}},
		{Word: "tag", Means: "A name that several entries bear, by which they are invalidated together.", Also: []string{"tags"}, Common: true},
		{Word: "versioned namespace", Means: "A version that is part of every key, so that raising it makes all entries unreachable at once."},
		{Word: "server-assisted tracking", Means: "Redis tells a client which of the keys that it may hold have changed: CLIENT TRACKING."},
	},
	Tasks: []unit.Task{
		{ID: "hit", Title: "answers from Redis, and keeps no error"},
		{ID: "tag", Title: "forgets every entry that bears the tag, and no other"},
		{ID: "cost", Title: "finds them without a walk over all keys"},
		{ID: "race", Title: "keeps nothing that was loaded before an invalidation"},
		{ID: "dies", Title: "misses nothing of a process that died"},
		{ID: "lasting", Title: "finds an entry for as long as it lives"},
		{ID: "bounded", Title: "keeps no list of what has ended long ago"},
	},
	Run: run,
}

// answer compares what the till showed with the time that an entry lives.
func answer(m unit.Metrics) (int, string) {
	longest, timed := m["longest_ttl"]
	if !timed {
		return 2, "This server shows no timings. On a real one it is longer than 3 s: just before the entry ends in Redis, the till takes a new copy of it, for its full time."
	}
	because := fmt.Sprintf("%s. Just before the entry ends in Redis, the till takes a new copy of it, for its full time. The times of layers add up.", unit.Figure(longest, "ms"))
	switch {
	case longest <= m["life_local"]:
		return 0, because
	case longest <= m["life_ttl"]:
		return 1, fmt.Sprintf("%s this time: the till's last copy ended no later than the entry in Redis.", unit.Figure(longest, "ms"))
	}
	return 2, because
}

func run(ctx context.Context, r *unit.Run) error {
	for _, part := range []func(context.Context, *unit.Run) error{counting, measuring, racing} {
		if err := part(ctx, r); err != nil {
			return err
		}
	}
	return nil
}
