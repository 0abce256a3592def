package unit

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/race"
)

// Scenario returns the unit's race of this name; the empty name is the first.
func (u *Unit) Scenario(name string) (race.Scenario, error) {
	var names []string
	for _, s := range u.Races {
		if name == "" || s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return race.Scenario{}, fmt.Errorf("unit %s has no race", u.ID)
	}
	return race.Scenario{}, fmt.Errorf("unit %s has no race %q; it has %s", u.ID, name, strings.Join(names, ", "))
}

// Race plays one schedule, such as "A B A B", of the unit's race of this name and
// shows it.
func (r *Run) Race(ctx context.Context, name, schedule string) (*race.Outcome, error) {
	parsed, err := race.ParseSchedule(schedule)
	if err != nil {
		return nil, err
	}
	sc, err := r.unit.Scenario(name)
	if err != nil {
		return nil, err
	}
	outcome, err := race.Play(ctx, r.raceEnv(), sc, parsed)
	if err == nil {
		r.emit(Race{Scenario: sc.Name, Title: sc.Title, Outcome: outcome})
	}
	return outcome, err
}

// Explore plays every schedule of the unit's race of this name and shows the
// report.
func (r *Run) Explore(ctx context.Context, name string, o race.Options) (*race.Report, error) {
	sc, err := r.unit.Scenario(name)
	if err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = func(done, total int) { r.Progress("schedules of "+sc.Title, done, total) }
	}
	report, err := race.Explore(ctx, r.raceEnv(), sc, o)
	if err == nil {
		r.emit(Race{Scenario: sc.Name, Title: sc.Title, Report: report})
	}
	return report, err
}

func (r *Run) raceEnv() race.Env { return raceEnv(r.redis, r.client, r.prefix) }

func raceEnv(local *localredis.Redis, direct *redis.Client, prefix string) race.Env {
	return race.Env{
		Direct: direct,
		Prefix: prefix,
		Dial: func(name string) *redis.Client {
			o := local.Options()
			o.ClientName, o.PoolSize, o.MaxRetries = name, 1, -1
			return redis.NewClient(o)
		},
	}
}

// StepRace plays a schedule of a unit's race, outside a run: stepping forward is
// playing a longer one, stepping back a shorter one.
func StepRace(ctx context.Context, u *Unit, r *localredis.Redis, scenario string, s race.Schedule) (*race.Outcome, error) {
	sc, err := u.Scenario(scenario)
	if err != nil {
		return nil, err
	}
	direct := redis.NewClient(r.Options())
	defer direct.Close()
	return race.Play(ctx, raceEnv(r, direct, newPrefix(u.ID)), sc, s)
}

// ExploreRace plays every schedule of a unit's race, crashes and lost replies
// included, outside a run.
func ExploreRace(ctx context.Context, u *Unit, r *localredis.Redis, scenario string, progress func(done, total int)) (*race.Report, error) {
	sc, err := u.Scenario(scenario)
	if err != nil {
		return nil, err
	}
	direct := redis.NewClient(r.Options())
	defer direct.Close()
	return race.Explore(ctx, raceEnv(r, direct, newPrefix(u.ID)), sc, race.Options{Faults: true, Progress: progress})
}
