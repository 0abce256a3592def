//go:build exercise

package exercise_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/11-pubsub/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

func TestConfirmed(t *testing.T) {
	check.Task(t, "confirmed", func(c *check.C) {
		s := newStation(c)
		clear := c.Throw(tap.Fault{Kind: tap.Latency, Command: "*SUBSCRIBE", Delay: 300 * time.Millisecond})
		notices := s.open().Listen(10)
		number := s.publish("platform 4")
		notice, ok := s.next(notices, time.Second)
		if !ok {
			c.Fail("Open had returned, then \"platform 4\" was published, and no listener got it: the subscription was still on its way to the server.")
		}
		s.same(notice, exercise.Notice{Number: number, Text: "platform 4"})
		clear()
	})
}

func TestMissed(t *testing.T) {
	check.Task(t, "missed", func(c *check.C) {
		short := &station{c: c, channel: c.Key("line:12")}
		notices := short.open().Listen(50)
		short.silence(func() {})
		short.expect(notices, "platform 2")

		s := newStation(c)
		for range 3 {
			s.publish("before anybody listened")
		}
		notices = s.open().Listen(50)
		away := 2 + c.Rand().IntN(9)
		s.silence(func() {
			for range away {
				s.publish("in the silence")
			}
		})
		s.afterSilence(notices, away, "It had just begun to listen, and no notice had come yet")
		s.expect(notices, "5 min late")
		away = 2 + c.Rand().IntN(9)
		s.silence(func() {
			for range away {
				s.publish("in the silence")
			}
		})
		s.afterSilence(notices, away, "It had heard every notice before")
		s.expect(notices, "on time")
	})
}

func TestSlow(t *testing.T) {
	check.Task(t, "slow", func(c *check.C) {
		const room, notices = 4, 150
		s := newStation(c)
		n := s.open()
		asleep, awake := n.Listen(room), n.Listen(2*notices)
		for i := range notices {
			s.publish(fmt.Sprint("notice ", i+1))
		}
		for i := range notices {
			notice, ok := s.next(awake, 2*time.Second)
			if !ok {
				c.Fail("One listener does not read. %d notices were published, and the listener beside it heard %d: it waits for the one that sleeps.", notices, i)
			}
			s.same(notice, exercise.Notice{Number: int64(i + 1), Text: fmt.Sprint("notice ", i+1)})
		}
		got, missed, last := 0, int64(0), int64(0)
		take := func(notice exercise.Notice) {
			if notice.Number <= last {
				c.Fail("A listener got notice %d after notice %d: out of order.", notice.Number, last)
			}
			got, missed, last = got+1, missed+notice.Missed, notice.Number
		}
		for {
			notice, ok := s.next(asleep, 50*time.Millisecond)
			if !ok {
				break
			}
			if take(notice); got > room+2 {
				c.Fail("A listener with room for %d slept through %d notices, and more than %d of them waited for it: nothing bounds what is kept.", room, notices, room)
			}
		}
		s.publish("wake up")
		notice, ok := s.next(asleep, 2*time.Second)
		if !ok {
			c.Fail("A listener slept, read what had waited for it, and then got no further notice.")
		}
		take(notice)
		if int64(got)+missed != notices+1 {
			c.Fail("%d notices were published. A listener that slept got %d, and was told that it missed %d: of %d it knows nothing.", notices+1, got, missed, int64(notices+1-got)-missed)
		}
	})
}

func TestNumbers(t *testing.T) {
	check.Task(t, "numbers", func(c *check.C) {
		s := newStation(c)
		const people, each = 8, 10
		notices := s.open().Listen(people * each)
		c.Clients(people, func(_ int, rdb *redis.Client) {
			for range each {
				_, err := exercise.Publish(c.Context(), rdb, s.channel, "hello")
				c.NoError(err, "Publish")
			}
		})
		for i := range people * each {
			notice, ok := s.next(notices, 2*time.Second)
			if !ok {
				c.Fail("%d publishers published %d notices, and a listener got %d of them.", people, people*each, i)
			}
			if notice.Number != int64(i+1) || notice.Missed != 0 {
				c.Fail("%d publishers at once, nothing was lost, and notice %d arrived where %d was due (missed: %d): it was numbered before and published after another.", people, notice.Number, i+1, notice.Missed)
			}
		}
		publishInAnyOrder(c)
	})
}

// publishInAnyOrder plays every order of two publishers, with a plain subscriber
// to hear in which order they were published.
func publishInAnyOrder(c *check.C) {
	var sub *redis.PubSub
	numbers := map[string]int64{}
	publisher := func(name, text string) race.Actor {
		return race.Actor{Name: name, Do: func(ctx context.Context, rdb race.Client, k race.Keys) (err error) {
			numbers[text], err = exercise.Publish(ctx, rdb, k("line:9"), text)
			return err
		}}
	}
	c.ExploreOrders(race.Scenario{
		Name: "numbers", Title: "two publishers",
		Setup: func(ctx context.Context, _ race.Client, k race.Keys) error {
			if sub != nil {
				_ = sub.Close()
			}
			sub = c.Direct().Subscribe(ctx, k("line:9"))
			_, err := sub.Receive(ctx)
			return err
		},
		Actors: []race.Actor{publisher("carol", "alpha"), publisher("dave", "omega")},
		Check: func(ctx context.Context, _ race.Client, _ race.Keys, ends []race.End) error {
			before := int64(0)
			for range ends {
				message, err := sub.ReceiveTimeout(ctx, time.Second)
				if err != nil {
					return &race.Violation{Message: fmt.Sprintf("Two notices were published, and a subscriber of the channel did not hear both: %v", err)}
				}
				heard, _ := message.(*redis.Message)
				for text, number := range numbers {
					if heard == nil || !strings.Contains(heard.Payload, text) {
						continue
					}
					if number <= before {
						return &race.Violation{Message: fmt.Sprintf("A subscriber hears notice %d, then notice %d: it was numbered before and published after another.", before, number)}
					}
					before = number
				}
			}
			return nil
		},
	})
	_ = sub.Close()
}

func TestClose(t *testing.T) {
	check.Task(t, "close", func(c *check.C) {
		s := newStation(c)
		n := s.open()
		notices := n.Listen(1)
		s.publish("the last tram")
		s.next(notices, time.Second)
		var err error
		closed := make(chan struct{})
		go func() { defer close(closed); err = n.Close() }()
		select {
		case <-closed:
		case <-time.After(2 * time.Second):
			c.Fail("Close did not return within 2 s.")
		}
		c.NoError(err, "Close")
		if !s.subscribers(0, time.Second) {
			c.Fail("The notifier is closed, and the server still has its subscription: it will send notices to nobody for ever.")
		}
		select {
		case _, open := <-notices:
			if open {
				c.Fail("The notifier is closed, and its listener still got a notice.")
			}
		case <-time.After(time.Second):
			c.Fail("The notifier is closed, and its listener waits for ever: its channel was not closed.")
		}
	})
}

// station is a channel with the notifier that is checked.
type station struct {
	c       *check.C
	channel string
}

func newStation(c *check.C) *station { return &station{c: c, channel: c.Key("line:9")} }

// open opens the notifier, over the wire that can be cut.
func (s *station) open() *exercise.Notifier {
	n, err := exercise.Open(s.c.Context(), s.c.Redis(), s.channel)
	s.c.NoError(err, "Open")
	if n == nil {
		s.c.Fail("Open returned neither a notifier nor an error.")
	}
	return n
}

// publish publishes over another wire, which is never cut.
func (s *station) publish(text string) int64 {
	number, err := exercise.Publish(s.c.Context(), s.c.Direct(), s.channel, text)
	s.c.NoError(err, "Publish")
	return number
}

func (s *station) next(notices <-chan exercise.Notice, wait time.Duration) (exercise.Notice, bool) {
	select {
	case n, ok := <-notices:
		return n, ok
	case <-time.After(wait):
		return exercise.Notice{}, false
	}
}

func (s *station) same(got, want exercise.Notice) {
	if got != want {
		s.c.Fail("Notice %d %q was published and nothing was lost. The listener got notice %d %q, with %d missed before it.", want.Number, want.Text, got.Number, got.Text, got.Missed)
	}
}

// expect publishes, and fails unless the listener gets it.
func (s *station) expect(notices <-chan exercise.Notice, text string) {
	number := s.publish(text)
	notice, ok := s.next(notices, 2*time.Second)
	if !ok {
		s.c.Fail("The connection broke and came back, then %q was published, and the listener did not get it.", text)
	}
	s.same(notice, exercise.Notice{Number: number, Text: text})
}

// afterSilence publishes, and fails unless the listener learns what it missed.
func (s *station) afterSilence(notices <-chan exercise.Notice, away int, before string) {
	s.publish("platform 4")
	notice, ok := s.next(notices, 2*time.Second)
	switch {
	case !ok:
		s.c.Fail("The connection broke and came back, then \"platform 4\" was published, and the listener did not get it.")
	case notice.Missed != int64(away):
		s.c.Fail("%d notices were published while the connection was broken. The next one says that %d were missed. %s.", away, notice.Missed, before)
	}
}

// silence cuts the notifier off, calls f, and waits until it has subscribed again.
func (s *station) silence(f func()) {
	clear := s.c.Throw(tap.Fault{Kind: tap.Refuse})
	if !s.subscribers(0, 2*time.Second) {
		s.c.Fail("The connection was cut, and the server still has a subscriber: is there a second connection?")
	}
	f()
	clear()
	if !s.subscribers(1, 6*time.Second) {
		s.c.Fail("The connection broke and came back, and within 6 s the notifier has not subscribed again: it gave up at the first error.")
	}
}

// subscribers waits until the server has n subscribers to the channel.
func (s *station) subscribers(n int64, wait time.Duration) bool {
	for end := time.Now().Add(wait); ; time.Sleep(5 * time.Millisecond) {
		counts, err := s.c.Direct().PubSubNumSub(s.c.Context(), s.channel).Result()
		s.c.NoError(err, "PUBSUB NUMSUB")
		if counts[s.channel] == n {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}
