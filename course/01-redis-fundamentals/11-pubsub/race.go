package broadcast

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

const (
	numberKey = "line:9:number"
	channel   = "line:9"
)

// region: apart

// publishApart numbers a notice, then publishes it.
func publishApart(ctx context.Context, rdb redis.Cmdable, numbers, channel, text string) (int64, error) {
	number, err := rdb.Incr(ctx, numbers).Result()
	if err != nil {
		return 0, err
	}
	return number, rdb.Publish(ctx, channel, fmt.Sprintf("%d %s", number, text)).Err()
}

// endregion

// region: script

// numbered adds one to the number and publishes with it: no other command falls
// between the two.
var numbered = redis.NewScript(`
local number = redis.call('INCR', KEYS[1])
redis.call('PUBLISH', ARGV[1], number .. ' ' .. ARGV[2])
return number`)

func publishInOne(ctx context.Context, rdb redis.Cmdable, numbers, channel, text string) (int64, error) {
	return numbered.Run(ctx, rdb, []string{numbers}, channel, text).Int64()
}

// endregion

var (
	apart  = twoPublishers("apart", "INCR, then PUBLISH", publishApart)
	script = twoPublishers("script", "INCR and PUBLISH in a script", publishInOne)
)

// boards keeps, for each schedule under way, the numbers in the order in which
// they were published: what a display that is always there would hear.
type boards struct {
	mu      sync.Mutex
	numbers map[string][]int64 // by the race's own key
}

func (b *boards) show(key string, number int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.numbers[key] = append(b.numbers[key], number)
}

func (b *boards) wipe(key string) []int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	shown := b.numbers[key]
	delete(b.numbers, key)
	return shown
}

// twoPublishers is the race: two controllers publish to one line. A display
// trusts the numbers, so they must arrive in their order.
func twoPublishers(name, title string, publish func(ctx context.Context, rdb redis.Cmdable, numbers, channel, text string) (int64, error)) race.Scenario {
	shown := &boards{numbers: map[string][]int64{}}
	controller := func(who, text string) race.Actor {
		return race.Actor{Name: who, Do: func(ctx context.Context, c race.Client, k race.Keys) error {
			// Code of an actor runs alone, right after its command: so this is the order
			// in which the commands ran.
			number, err := publish(ctx, c, k(numberKey), k(channel), text)
			if err == nil {
				shown.show(k(numberKey), number)
			}
			return err
		}}
	}
	return race.Scenario{
		Name: name, Title: title,
		Setup: func(_ context.Context, _ race.Client, k race.Keys) error {
			shown.wipe(k(numberKey))
			return nil
		},
		Actors: []race.Actor{controller("carol", "platform 4"), controller("dave", "5 min late")},
		Watch:  []string{numberKey},
		Good:   "The notices arrive in the order of their numbers.",
		Check: func(_ context.Context, _ race.Client, k race.Keys, _ []race.End) error {
			numbers := shown.wipe(k(numberKey))
			if len(numbers) == 2 && numbers[0] > numbers[1] {
				return &race.Violation{Message: fmt.Sprintf("The display hears number %d, then number %d. At the first it believes that it missed one, at the second that it has heard it before.", numbers[0], numbers[1])}
			}
			return nil
		},
	}
}

// racing plays the order that goes wrong, and then every order.
func racing(ctx context.Context, r *unit.Run) error {
	r.Step("Who numbers the notices? Two controllers publish to one line.")
	if _, err := r.Race(ctx, apart.Name, "A B B A"); err != nil {
		return err
	}
	for _, name := range []string{apart.Name, script.Name} {
		report, err := r.Explore(ctx, name, race.Options{Faults: true})
		if err != nil {
			return err
		}
		tone := unit.Good
		if report.Failing > 0 {
			tone = unit.Bad
		}
		r.Metric(unit.Metric{Name: "failing_" + name, Label: "schedules out of order, " + name, Value: float64(report.Failing), Tone: tone, Minor: true})
	}
	return nil
}
