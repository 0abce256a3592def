//go:build exercise

package exercise_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis-grind/grind/course/02-web-integration-basics/07-serialization/exercise"
	"github.com/redis-grind/grind/internal/unit/check"
)

func anyBike(c *check.C) exercise.Bike {
	return exercise.Bike{ID: 1 + c.Rand().Int64N(1<<40), Station: fmt.Sprintf("Dock %d", c.Rand().IntN(500)), Battery: 10 * (1 + c.Rand().IntN(100))}
}

// version2 is a bike as another program of version 2 wrote it, which knows more.
func version2(b exercise.Bike, code string) string {
	return fmt.Sprintf(`{"v":2,"id":%d,"lock":{"code":%q,"tries":[1,2]},"station":%q,"battery":%d}`, b.ID, code, b.Station, b.Battery)
}

func TestRound(t *testing.T) {
	check.Task(t, "round", func(c *check.C) {
		for range 20 {
			b := anyBike(c)
			data, err := exercise.Encode(b)
			c.NoError(err, "Encode")
			var fields map[string]any
			if err := json.Unmarshal(data, &fields); err != nil {
				c.Fail("Encode(%+v) is %s, and that is not JSON: %v.", b, data, err)
			}
			if fmt.Sprint(fields["v"]) != "2" {
				c.Fail(`Encode(%+v) is %s: nobody can tell which program wrote it, for "v" is not 2.`, b, data)
			}
			got, err := exercise.Decode(data)
			c.NoError(err, fmt.Sprintf("Decode of %s, which Encode wrote", data))
			if got != b {
				c.Fail("Encode and Decode make %+v of %+v.", got, b)
			}
		}
	})
}

func TestOld(t *testing.T) {
	check.Task(t, "old", func(c *check.C) {
		for range 20 {
			b := anyBike(c)
			data := fmt.Sprintf(`{"id":%d,"station":%q,"battery":%d}`, b.ID, b.Station, b.Battery/10)
			got, err := exercise.Decode([]byte(data))
			c.NoError(err, fmt.Sprintf("Decode of %s, as the first program stored it", data))
			if got.Battery != b.Battery {
				c.Fail("%s is of the first program, which counted in per cent: want a battery of %d per mille, got %d.", data, b.Battery, got.Battery)
			}
			if got != b {
				c.Fail("Decode(%s) is %+v, want %+v.", data, got, b)
			}
		}
		for _, damaged := range []string{"", "{", `"bike"`, `[1]`, `{"v":2}`, `{"v":2,"id":"seven"}`, "\xff\xfe"} {
			if _, err := exercise.Decode([]byte(damaged)); !errors.Is(err, exercise.ErrDamaged) {
				c.Fail("Decode(%q): got the error %v, want one that Is ErrDamaged.", damaged, err)
			}
		}
	})
}

func TestNewer(t *testing.T) {
	check.Task(t, "newer", func(c *check.C) {
		b := anyBike(c)
		for i, data := range []string{
			fmt.Sprintf(`{"v":3,"id":%d,"dock":"A7","charge":0.64}`, b.ID),
			fmt.Sprintf(`{"v":9,"id":"bike-%d","battery":"full"}`, b.ID),
		} {
			key := c.Key(fmt.Sprintf("bike:%d", i))
			c.NoError(c.Direct().Set(c.Context(), key, data, time.Minute).Err(), "SET")
			if _, err := exercise.Decode([]byte(data)); !errors.Is(err, exercise.ErrNewer) {
				c.Written(err)
				c.Fail("Decode(%s): got the error %v, want one that Is ErrNewer.", data, err)
			}
			err := exercise.Update(c.Context(), c.Redis(), key, func(b *exercise.Bike) { b.Battery = 1 })
			if !errors.Is(err, exercise.ErrNewer) {
				c.Written(err)
				c.Fail("Update of %s: got the error %v, want one that Is ErrNewer.", data, err)
			}
			got, err := exercise.Fetch(c.Context(), c.Redis(), key, func(context.Context) (exercise.Bike, error) { return b, nil })
			c.NoError(err, "Fetch of a value that is newer")
			if got != b {
				c.Fail("The value is newer, load returned %+v, and Fetch %+v.", b, got)
			}
			if now := c.Direct().Get(c.Context(), key).Val(); now != data {
				c.Fail("%s was written by a newer program, and it is %s now: that program's fields are gone.", data, now)
			}
		}
	})
}

func TestUnknown(t *testing.T) {
	check.Task(t, "unknown", func(c *check.C) {
		b, code, key := anyBike(c), fmt.Sprintf("%08d", c.Rand().IntN(100_000_000)), c.Key("bike")
		c.NoError(c.Direct().Set(c.Context(), key, version2(b, code), 10*time.Minute).Err(), "SET")
		err := exercise.Update(c.Context(), c.Redis(), key, func(b *exercise.Bike) { b.Station, b.Battery = "Harbour East", 30 })
		c.NoError(err, fmt.Sprintf("Update of %s", version2(b, code)))
		data := c.Direct().Get(c.Context(), key).Val()
		var got struct {
			V    int
			Lock struct {
				Code  string
				Tries []int
			}
			Station string
			Battery int
			ID      int64
		}
		if err := json.Unmarshal([]byte(data), &got); err != nil {
			c.Fail("After Update the value is %q, and that is not JSON: %v.", data, err)
		}
		if got.Lock.Code != code || len(got.Lock.Tries) != 2 {
			c.Fail("%s was updated, and it is %s now: the lock, which this program does not know, is gone.", version2(b, code), data)
		}
		if got.Station != "Harbour East" || got.Battery != 30 || got.ID != b.ID || got.V != 2 {
			c.Fail("Update set the station to Harbour East and the battery to 30, and the value is %s.", data)
		}
		if ttl := c.Direct().TTL(c.Context(), key).Val(); ttl <= 0 || ttl > 10*time.Minute {
			c.Fail("The key had ten minutes to live before Update, and %v after it.", ttl)
		}
		c.NoError(c.Direct().Set(c.Context(), key, `{"id":7,"station":"Old Market","battery":50}`, 0).Err(), "SET")
		c.NoError(exercise.Update(c.Context(), c.Redis(), key, func(b *exercise.Bike) { b.Battery -= 100 }), "Update of a value of the first program")
		again, err := exercise.Decode([]byte(c.Direct().Get(c.Context(), key).Val()))
		c.NoError(err, "Decode after Update")
		if want := (exercise.Bike{ID: 7, Station: "Old Market", Battery: 400}); again != want {
			c.Fail("A bike of the first program with 50 per cent lost 100 per mille, and is %+v, want %+v.", again, want)
		}
	})
}

func TestHeals(t *testing.T) {
	check.Task(t, "heals", func(c *check.C) {
		b := anyBike(c)
		for name, data := range map[string]string{"missing": "", "damaged": `{"v":2,"id":`} {
			key, loads := c.Key(name), 0
			if data != "" {
				c.NoError(c.Direct().Set(c.Context(), key, data, 0).Err(), "SET")
			}
			for range 3 {
				got, err := exercise.Fetch(c.Context(), c.Redis(), key, func(context.Context) (exercise.Bike, error) { loads++; return b, nil })
				c.NoError(err, "Fetch of a value that is "+name)
				if got != b {
					c.Fail("The value is %s, load returned %+v, and Fetch %+v.", name, b, got)
				}
			}
			if loads != 1 {
				c.Fail("The value is %s. Three Fetches asked load %d times, want once: the others find what was stored.", name, loads)
			}
			if ttl := c.Direct().TTL(c.Context(), key).Val(); ttl <= 0 || ttl > time.Hour {
				c.Fail("What Fetch stored has %v to live, want an hour.", ttl)
			}
		}
		down := errors.New("the database is down")
		key := c.Key("nothing")
		_, err := exercise.Fetch(c.Context(), c.Redis(), key, func(context.Context) (exercise.Bike, error) { return exercise.Bike{}, down })
		if !errors.Is(err, down) || c.Direct().Exists(c.Context(), key).Val() != 0 {
			c.Fail("load failed with %q: Fetch returned the error %v and stored %d values.", down, err, c.Direct().Exists(c.Context(), key).Val())
		}
	})
}
