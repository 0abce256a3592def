package incident

import (
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// TestBoard: a light follows what is read, and nothing else; all must be green for
// Hold without a break.
func TestBoard(t *testing.T) {
	facts := []unit.Fact{{ID: "a", Bad: "A is broken", Good: "A holds"}, {ID: "b", Bad: "B is broken", Good: "B holds"}}
	now := time.Now()
	b := newBoard(facts, now)
	good, bad, little := unit.Reading{Enough: true}, unit.Reading{Bad: true, Enough: true}, unit.Reading{}
	steps := []struct {
		after    time.Duration
		a, b     unit.Reading
		wantA    Light
		wantB    Light
		over     bool
		titleOfA string
	}{
		{0, little, little, Watching, Watching, false, "A is broken"},
		{time.Second, bad, good, Red, Green, false, "A is broken"},
		{time.Second, good, good, Green, Green, false, "A holds"},
		{Hold - time.Second, good, good, Green, Green, false, "A holds"},
		{500 * time.Millisecond, good, bad, Green, Red, false, "A holds"},
		{time.Second, good, good, Green, Green, false, "A holds"},
		{Hold, good, good, Green, Green, true, "A holds"},
	}
	for i, s := range steps {
		now = now.Add(s.after)
		b.read(facts, []unit.Reading{s.a, s.b}, 1, now)
		got := b.status(now).Facts
		if got[0].Light != s.wantA || got[1].Light != s.wantB || got[0].Title != s.titleOfA || b.over(now) != s.over {
			t.Errorf("step %d: got %s and %s, %q, over %v, want %s and %s, %q, over %v",
				i, got[0].Light, got[1].Light, got[0].Title, b.over(now), s.wantA, s.wantB, s.titleOfA, s.over)
		}
	}
	b.fresh(now)
	if got := b.status(now).Facts[0]; got.Light != Watching || !got.Since.Equal(now) || b.over(now.Add(time.Hour)) {
		t.Errorf("a new version: got %s since %v, want it watched from then on", got.Light, got.Since)
	}
}

// TestBoard_history: a point a second, and bounded.
func TestBoard_history(t *testing.T) {
	facts := []unit.Fact{{ID: "a"}}
	now := time.Now()
	b := newBoard(facts, now)
	for i := range 4 * keptHistory {
		now = now.Add(tick)
		b.read(facts, []unit.Reading{{Value: float64(i)}}, 1, now)
	}
	got := b.status(now).Facts[0].History
	if len(got) != keptHistory || got[keptHistory-1].Value-got[0].Value != 2*(keptHistory-1) {
		t.Errorf("got %d points from %v to %v, want %d, a second apart", len(got), got[0].Value, got[len(got)-1].Value, keptHistory)
	}
}
