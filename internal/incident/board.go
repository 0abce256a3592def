package incident

import (
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// Hold is how long all facts must be green until the incident is over.
const Hold = 5 * time.Second

// keptHistory is how many points of a fact's history are kept, a second apart.
const keptHistory = 90

// board is the dashboard: the facts over all deployments.
type board struct {
	facts    []Fact
	began    time.Time
	greenAt  time.Time // since when all are green; zero when they are not
	lastDrop time.Time // of the last point of the history
}

func newBoard(facts []unit.Fact, now time.Time) *board {
	b := &board{began: now}
	for _, f := range facts {
		b.facts = append(b.facts, Fact{ID: f.ID, Title: f.Bad, Light: Watching, Since: now, Text: "nothing was seen yet"})
	}
	return b
}

// fresh makes all facts be watched anew: another version runs.
func (b *board) fresh(now time.Time) {
	for i := range b.facts {
		b.turn(&b.facts[i], Watching, now)
	}
	b.greenAt = time.Time{}
}

func (b *board) turn(f *Fact, to Light, now time.Time) {
	if f.Light != to {
		f.Light, f.Since = to, now
	}
}

// read takes the readings of a moment, one a fact.
func (b *board) read(facts []unit.Fact, readings []unit.Reading, deployment int, now time.Time) {
	drop := now.Sub(b.lastDrop) >= time.Second
	all := true
	for i, fact := range facts {
		f, r := &b.facts[i], readings[i]
		switch {
		case r.Bad:
			b.turn(f, Red, now)
		case r.Enough:
			b.turn(f, Green, now)
		default:
			b.turn(f, Watching, now)
		}
		f.Title = fact.Bad
		if f.Light == Green {
			f.Title = fact.Good
		}
		f.Value, f.Unit, f.Text = r.Value, r.Unit, r.Text
		all = all && f.Light == Green
		if drop {
			f.History = append(f.History, Point{r.Value, f.Light, deployment})
			f.History = f.History[max(0, len(f.History)-keptHistory):]
		}
	}
	if drop {
		b.lastDrop = now
	}
	switch {
	case !all:
		b.greenAt = time.Time{}
	case b.greenAt.IsZero():
		b.greenAt = now
	}
}

// over says that all facts were green for Hold.
func (b *board) over(now time.Time) bool {
	return !b.greenAt.IsZero() && now.Sub(b.greenAt) >= Hold
}

// status is the dashboard as it stands.
func (b *board) status(now time.Time) Status {
	out := Status{Millis: now.Sub(b.began).Milliseconds(), Now: now}
	for _, f := range b.facts {
		f.History = append([]Point(nil), f.History...)
		out.Facts = append(out.Facts, f)
	}
	return out
}
