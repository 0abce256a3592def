package workbench

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// server is what the page needs to know of its Redis.
type server interface {
	Kind() localredis.Kind
	Options() *redis.Options
	Short() string
	Line() string
	Timings() bool
}

// engine runs units and plays their races.
type engine interface {
	// missing says what keeps the unit from running here, and is nil when nothing
	// does.
	missing(u *unit.Unit) *unit.NeedsError
	execute(ctx context.Context, u *unit.Unit, set map[string]string, emit func(unit.Event)) error
	step(ctx context.Context, u *unit.Unit, scenario string, s race.Schedule) (*race.Outcome, error)
	explore(ctx context.Context, u *unit.Unit, scenario string, progress func(done, total int)) (*race.Report, error)
}

// liveEngine is the real one.
type liveEngine struct{ redis *localredis.Redis }

func (e liveEngine) missing(u *unit.Unit) *unit.NeedsError { return u.Missing(e.redis) }

func (e liveEngine) execute(ctx context.Context, u *unit.Unit, set map[string]string, emit func(unit.Event)) error {
	_, err := unit.Execute(ctx, u, unit.ExecOptions{Redis: e.redis, Set: set, Emit: emit})
	return err
}

func (e liveEngine) step(ctx context.Context, u *unit.Unit, scenario string, s race.Schedule) (*race.Outcome, error) {
	return unit.StepRace(ctx, u, e.redis, scenario, s)
}

func (e liveEngine) explore(ctx context.Context, u *unit.Unit, scenario string, progress func(done, total int)) (*race.Report, error) {
	return unit.ExploreRace(ctx, u, e.redis, scenario, progress)
}

// health is the state of Redis as the pill shows it.
type health struct {
	Tone string `json:"tone"` // good, warn, bad
	Text string `json:"text"`
}

// health asks Redis once.
func (s *Server) health(ctx context.Context) health {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := s.client.Ping(ctx).Err(); err != nil {
		return health{"bad", "Redis does not answer: " + s.client.Options().Addr}
	}
	return s.calm()
}

// calm is the state while Redis answers.
func (s *Server) calm() health {
	if s.redis.Kind() == localredis.Embedded {
		return health{"warn", "embedded server: counts, no timings"}
	}
	return health{"good", s.redis.Short()}
}

// watchRedis tells the pages when Redis goes and when it is back. It asks only
// while a page is open.
func (s *Server) watchRedis(ctx context.Context) {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	was := s.calm()
	s.feed.state("redis", was)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if len(s.streams) == 0 {
			continue
		}
		if is := s.health(ctx); is != was && ctx.Err() == nil {
			was = is
			s.feed.state("redis", is)
		}
	}
}
