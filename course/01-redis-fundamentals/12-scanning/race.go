package keyspace

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

const home = "page:home"

// region: look

// dropByLooking deletes a page if an older release wrote it.
func dropByLooking(ctx context.Context, rdb redis.Cmdable, key string, release int) error {
	wrote, err := rdb.HGet(ctx, key, "release").Int()
	if errors.Is(err, redis.Nil) { // somebody else was faster
		return nil
	}
	if err != nil || wrote >= release {
		return err
	}
	return rdb.Unlink(ctx, key).Err()
}

// endregion

// dropIfOld does the same where nobody can come in between. KEYS[1]: the page;
// ARGV[1]: the release. A page that is gone has no release: HGET gives false.
var dropIfOld = redis.NewScript(`
local wrote = redis.call('HGET', KEYS[1], 'release')
if wrote and tonumber(wrote) < tonumber(ARGV[1]) then
	return redis.call('UNLINK', KEYS[1])
end
return 0
`)

func dropByScript(ctx context.Context, rdb redis.Cmdable, key string, release int) error {
	return dropIfOld.Run(ctx, rdb, []string{key}, release).Err()
}

var (
	look   = cleanUp("look", "HGET, then UNLINK", dropByLooking)
	script = cleanUp("script", "one script", dropByScript)
)

// cleanUp is the race: a clean-up found the name of a page that release 41 wrote.
// Before it comes to deleting it, release 42 writes the page anew.
func cleanUp(name, title string, drop func(context.Context, redis.Cmdable, string, int) error) race.Scenario {
	write := func(ctx context.Context, c race.Client, k race.Keys, release int) error {
		return c.HSet(ctx, k(home), "release", release, "body", fmt.Sprintf("<h1>Shop %d</h1>", release)).Err()
	}
	return race.Scenario{
		Name: name, Title: title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error { return write(ctx, c, k, 41) },
		Actors: []race.Actor{
			{Name: "clean-up", Do: func(ctx context.Context, c race.Client, k race.Keys) error { return drop(ctx, c, k(home), 42) }},
			{Name: "release-42", Do: func(ctx context.Context, c race.Client, k race.Keys) error { return write(ctx, c, k, 42) }},
		},
		Watch: []string{home},
		Good:  "What release 42 wrote is there.",
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			there, err := c.Exists(ctx, k(home)).Result()
			if err != nil {
				return err
			}
			if there == 0 && ends[1].Err == nil && !ends[1].Crashed {
				return &race.Violation{Message: "Release 42 wrote " + home + ", and the clean-up deleted it."}
			}
			return nil
		},
	}
}

// racing plays every order of both ways.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("A name that SCAN returned is a memory. Meanwhile the page may be a new one.")
	for _, name := range []string{look.Name, script.Name} {
		report, err := r.Explore(ctx, name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		tone := unit.Good
		if report.Failing > 0 {
			tone = unit.Bad
		}
		r.Metric(unit.Metric{Name: "failing_" + name, Label: "schedules that lose the new page, " + name, Value: float64(report.Failing), Tone: tone, Minor: true})
	}
	return nil
}
