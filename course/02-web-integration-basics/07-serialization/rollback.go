package formats

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/codec"
)

// programs are two versions of one program, and how they write a bike.
type programs struct {
	name, title string
	old         codec.Codec[oldBike]
	today       codec.Codec[Bike]
}

var (
	plain     = programs{"rollback-plain", "plain JSON", codec.JSON[oldBike](), codec.JSON[Bike]()}
	versioned = programs{"rollback-versioned", "a version in front", codec.Versioned(codec.JSON[oldBike](), 1), codec.Versioned(codec.JSON[Bike](), 2)}
)

// region: ride

// ride is the old program at the end of a ride: it reads a bike, changes what it
// knows, and writes it back.
func ride(ctx context.Context, rdb redis.Cmdable, c codec.Codec[oldBike], key string) error {
	data, err := rdb.Get(ctx, key).Bytes()
	if err != nil {
		return err
	}
	b, err := c.Decode(key, data)
	if err != nil {
		return err // ErrNewer: this bike is not for us
	}
	b.Rides++
	b.Station = "Central Station"
	if data, err = c.Encode(key, b); err != nil {
		return err
	}
	return rdb.Set(ctx, key, data, redis.KeepTTL).Err()
}

// endregion

// newCode is the new program: it gives a bike another lock code.
func newCode(ctx context.Context, rdb redis.Cmdable, c codec.Codec[Bike], key, code string) error {
	b := bike(3)
	b.LockCode = code
	data, err := c.Encode(key, b)
	if err != nil {
		return err
	}
	return rdb.Set(ctx, key, data, 0).Err()
}

const theBike = "bike:1023757"

// rollback is the new program writing, and the old one, which came back, riding.
func rollback(p programs) race.Scenario {
	const code = "4417-9020"
	return race.Scenario{
		Name:  p.name,
		Title: "a rollback, " + p.title,
		Setup: func(ctx context.Context, c race.Client, k race.Keys) error {
			return newCode(ctx, c, p.today, k(theBike), "0000-0000")
		},
		Actors: []race.Actor{
			{Name: "new", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				return newCode(ctx, c, p.today, k(theBike), code)
			}},
			{Name: "old", Do: func(ctx context.Context, c race.Client, k race.Keys) error {
				err := ride(ctx, c, p.old, k(theBike))
				if errors.Is(err, codec.ErrNewer) {
					return nil // it is told, and leaves the bike alone
				}
				return err
			}},
		},
		Watch: []string{theBike},
		Check: func(ctx context.Context, c race.Client, k race.Keys, ends []race.End) error {
			data, err := c.Get(ctx, k(theBike)).Bytes()
			if err != nil {
				return err
			}
			b, err := p.today.Decode(theBike, data)
			if err != nil {
				return err
			}
			if b.LockCode == "" {
				return &race.Violation{Message: "The bike has no lock code any more: who rode it cannot open it."}
			}
			if ends[0].Err == nil && !ends[0].Crashed && b.LockCode != code {
				return &race.Violation{Message: fmt.Sprintf("The lock code was changed to %s, and the bike has %s.", code, b.LockCode)}
			}
			return nil
		},
		Good: "The bike has its lock code.",
	}
}

// rollingBack has the old program ride many bikes of the new one.
func rollingBack(ctx context.Context, r *unit.Run) error {
	n := r.Int("bikes")
	r.Step("Nine o'clock: the new program is rolled back. %d bikes are ridden with the old one.", n)
	for _, p := range []programs{plain, versioned} {
		lost, refused := 0, 0
		for i := range n {
			key := r.Key(fmt.Sprintf("%s:%d", p.name, i))
			if err := newCode(ctx, r.Redis(), p.today, key, bike(i).LockCode); err != nil {
				return err
			}
			switch err := ride(ctx, r.Redis(), p.old, key); {
			case errors.Is(err, codec.ErrNewer):
				refused++
			case err != nil:
				return err
			}
			data, err := r.Redis().Get(ctx, key).Bytes()
			if err != nil {
				return err
			}
			b, err := p.today.Decode(key, data)
			if err != nil {
				return err
			}
			if b.LockCode != bike(i).LockCode {
				lost++
			}
		}
		name := "plain"
		if p.name == versioned.name {
			name = "versioned"
			r.Metric(unit.Metric{Name: "refused", Label: "rides that the old program refused, with a version", Value: float64(refused), Minor: true})
		}
		tone := unit.Good
		if lost > 0 {
			tone = unit.Bad
		}
		r.Metric(unit.Metric{Name: "lost_" + name, Label: "lock codes lost, " + p.title, Value: float64(lost), Tone: tone})
	}
	if _, err := r.Race(ctx, plain.name, "A B B"); err != nil {
		return err
	}
	_, err := r.Race(ctx, versioned.name, "A B")
	return err
}
