//go:build exercise

package exercise_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/course/01-redis-fundamentals/13-keys/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit/check"
)

// typed is what people type.
var typed = []string{"ada", "*", "ada:1", "1:2", "a}b", "}x", "{x}1", "[a-z]", "ünï cödé", "a/b", `\`, "note", "tag:*", "a_b", "a:b", "50%", "%3A", ":"}

func TestKeys(t *testing.T) {
	check.Task(t, "keys", func(c *check.C) {
		const prefix = "app"
		c.Written(exercise.Save(c.Context(), c.Redis(), c.Key("app"), exercise.Note{Owner: "ada", ID: "1", Tag: "x"}, 0))
		seen := map[string]string{}
		keep := func(what, key string) {
			if !strings.HasPrefix(key, prefix) {
				c.Fail("The key of %s is %s: it does not begin with the prefix %s.", what, key, prefix)
			}
			if other, ok := seen[key]; ok {
				c.Fail("%s and %s have the same key, %s.", other, what, key)
			}
			seen[key] = what
			if strings.ContainsAny(strings.TrimPrefix(key, prefix), `*?[]\`) {
				c.Fail("The key of %s is %s: as a pattern of SCAN it means the keys of others.", what, key)
			}
		}
		for _, owner := range typed {
			index := exercise.OwnerKey(prefix, owner)
			keep(fmt.Sprintf("the index of owner %q", owner), index)
			for _, name := range typed {
				for what, key := range map[string]string{
					fmt.Sprintf("note %q of owner %q", name, owner):             exercise.NoteKey(prefix, owner, name),
					fmt.Sprintf("the index of tag %q of owner %q", name, owner): exercise.TagKey(prefix, owner, name),
				} {
					keep(what, key)
					if slot(key) != slot(index) {
						c.Fail("%s and %s belong to owner %q, and a cluster keeps them in different slots.", index, key, owner)
					}
				}
			}
		}
		slots := map[int]bool{}
		for i := range 300 {
			slots[slot(exercise.OwnerKey(prefix, fmt.Sprintf("{x}%d", i)))] = true
		}
		if len(slots) < 200 {
			c.Fail("300 owners called {x}0, {x}1, {x}2 and so on: their keys are in %d slots of a cluster, and should be in nearly as many as there are owners.", len(slots))
		}
	})
}

func TestFind(t *testing.T) {
	check.Task(t, "find", func(c *check.C) {
		prefix := c.Key("app")
		var all []exercise.Note
		for i := range 40 + c.Rand().IntN(20) {
			n := exercise.Note{Owner: "ada", ID: fmt.Sprint(i), Tag: []string{"todo", "done"}[i%2], Text: fmt.Sprintf("text %d", c.Rand().IntN(1000))}
			all = append(all, n)
			c.NoError(exercise.Save(c.Context(), c.Redis(), prefix, n, 0), "Save")
		}
		c.NoError(exercise.Save(c.Context(), c.Redis(), prefix, exercise.Note{Owner: "bela", ID: "1", Tag: "todo"}, 0), "Save")
		var got []exercise.Note
		var err error
		trips := roundTrips(c.Commands(func() { got, err = exercise.ByOwner(c.Context(), c.Redis(), prefix, "ada") }))
		c.NoError(err, "ByOwner")
		same(c, "ByOwner of ada", got, all)
		if trips > 2 {
			c.Fail("ByOwner fetched %d notes in %d round trips, and two are enough.", len(all), trips)
		}
		todo := slices.DeleteFunc(slices.Clone(all), func(n exercise.Note) bool { return n.Tag != "todo" })
		trips = roundTrips(c.Commands(func() { got, err = exercise.ByTag(c.Context(), c.Redis(), prefix, "ada", "todo") }))
		c.NoError(err, "ByTag")
		same(c, "ByTag of ada's todo", got, todo)
		if trips > 2 {
			c.Fail("ByTag fetched %d notes in %d round trips, and two are enough.", len(todo), trips)
		}
		got, err = exercise.ByTag(c.Context(), c.Redis(), prefix, "nobody", "todo")
		c.NoError(err, "ByTag")
		same(c, "ByTag of an owner without notes", got, nil)
	})
}

func TestTrue(t *testing.T) {
	check.Task(t, "true", func(c *check.C) {
		prefix := c.Key("app")
		owners, ids, tags := []string{"ada", "ada:1", "*", "{x}"}, []string{"1", "2", "1:2"}, []string{"todo", "do*", "done"}
		model := map[string]exercise.Note{}
		pick := func(from []string) string { return from[c.Rand().IntN(len(from))] }
		compare := func() {
			for _, owner := range owners {
				got, err := exercise.ByOwner(c.Context(), c.Redis(), prefix, owner)
				c.NoError(err, "ByOwner")
				same(c, fmt.Sprintf("ByOwner of %q", owner), got, where(model, owner, ""))
				for _, tag := range tags {
					indexed(c, prefix, owner, tag, len(where(model, owner, tag)) > 0)
					got, err := exercise.ByTag(c.Context(), c.Redis(), prefix, owner, tag)
					c.NoError(err, "ByTag")
					same(c, fmt.Sprintf("ByTag of %q, tag %q", owner, tag), got, where(model, owner, tag))
				}
			}
		}
		for i := range 80 {
			n := exercise.Note{Owner: pick(owners), ID: pick(ids), Tag: pick(tags), Text: fmt.Sprint("text ", i)}
			if c.Rand().IntN(3) == 0 {
				c.NoError(exercise.Delete(c.Context(), c.Redis(), prefix, n.Owner, n.ID), "Delete")
				delete(model, n.Owner+"\x00"+n.ID)
			} else {
				c.NoError(exercise.Save(c.Context(), c.Redis(), prefix, n, 0), "Save")
				model[n.Owner+"\x00"+n.ID] = n
			}
			if i%10 == 9 {
				compare()
			}
		}
		for _, n := range model {
			c.NoError(exercise.Delete(c.Context(), c.Redis(), prefix, n.Owner, n.ID), "Delete")
		}
		clear(model)
		for _, owner := range owners {
			gone(c, exercise.OwnerKey(prefix, owner), "All notes were deleted")
			for _, tag := range tags {
				gone(c, exercise.TagKey(prefix, owner, tag), "All notes were deleted")
			}
		}
		compare()
	})
}

func TestExpiry(t *testing.T) {
	check.Task(t, "expiry", func(c *check.C) {
		prefix := c.Key("app")
		const soon = 30 * time.Millisecond
		stays := exercise.Note{Owner: "ada", ID: "1", Tag: "todo", Text: "stays"}
		again := exercise.Note{Owner: "ada", ID: "3", Tag: "done", Text: "saved again with another tag"}
		save := func(n exercise.Note, ttl time.Duration) {
			c.NoError(exercise.Save(c.Context(), c.Redis(), prefix, n, ttl), "Save")
		}
		save(stays, time.Hour)
		if left, err := c.Direct().PTTL(c.Context(), exercise.NoteKey(prefix, "ada", "1")).Result(); err != nil || left <= 0 {
			c.Fail("A note was saved for an hour, and its key has no end.")
		}
		save(stays, 0)
		if left, err := c.Direct().PTTL(c.Context(), exercise.NoteKey(prefix, "ada", "1")).Result(); err != nil || left > 0 {
			c.Fail("A note was saved for an hour, and then again for ever: it still ends, in %v.", left.Round(time.Minute))
		}
		save(exercise.Note{Owner: "ada", ID: "2", Tag: "late", Text: "ends"}, soon)
		save(exercise.Note{Owner: "ada", ID: "3", Tag: "late", Text: "ends, and comes back"}, soon)
		end(c, exercise.NoteKey(prefix, "ada", "2"))
		end(c, exercise.NoteKey(prefix, "ada", "3"))
		save(again, 0)
		got, err := exercise.ByOwner(c.Context(), c.Redis(), prefix, "ada")
		c.NoError(err, "ByOwner")
		same(c, "ByOwner of ada, two of whose notes have ended", got, []exercise.Note{stays, again})
		got, err = exercise.ByTag(c.Context(), c.Redis(), prefix, "ada", "late")
		c.NoError(err, "ByTag")
		same(c, "ByTag of ada's late, whose notes have ended", got, nil)
		gone(c, exercise.TagKey(prefix, "ada", "late"), "Its notes have ended, and ByTag has met them")
		c.NoError(exercise.Delete(c.Context(), c.Redis(), prefix, "ada", "1"), "Delete")
		c.NoError(exercise.Delete(c.Context(), c.Redis(), prefix, "ada", "3"), "Delete")
		gone(c, exercise.OwnerKey(prefix, "ada"), "One note has ended, as ByOwner has seen, and the others were deleted")
	})
}

func TestCrash(t *testing.T) {
	check.Task(t, "crash", func(c *check.C) {
		c.Written(exercise.Save(c.Context(), c.Redis(), c.Key("app"), exercise.Note{Owner: "ada", ID: "1", Tag: "todo"}, 0))
		tags := []string{"todo", "done", "late"}
		saver := func(name, tag string) race.Actor {
			return race.Actor{Name: name, Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return exercise.Save(ctx, rdb, k("app"), exercise.Note{Owner: "ada", ID: "1", Tag: tag, Text: name}, 0)
			}}
		}
		setup := func(ctx context.Context, rdb race.Client, k race.Keys) error {
			return exercise.Save(ctx, rdb, k("app"), exercise.Note{Owner: "ada", ID: "1", Tag: "todo"}, 0)
		}
		agree := func(ctx context.Context, rdb race.Client, k race.Keys, _ []race.End) error {
			return agreement(ctx, rdb, k("app"), tags)
		}
		c.Explore(race.Scenario{Name: "two-saves", Title: "two people save one note", Setup: setup, Check: agree,
			Actors: []race.Actor{saver("phone", "done"), saver("tablet", "late")}})
		c.Explore(race.Scenario{Name: "save-delete", Title: "one saves a note, one deletes it", Setup: setup, Check: agree,
			Actors: []race.Actor{saver("phone", "done"), {Name: "tablet", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				return exercise.Delete(ctx, rdb, k("app"), "ada", "1")
			}}}})
		c.ExploreOrders(race.Scenario{Name: "tidy-save", Title: "a note has ended; one looks for it, one saves it again",
			Setup: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				if err := setup(ctx, rdb, k); err != nil {
					return err
				}
				return rdb.Del(ctx, exercise.NoteKey(k("app"), "ada", "1")).Err() // as its end would
			},
			Actors: []race.Actor{saver("phone", "todo"), {Name: "reader", Do: func(ctx context.Context, rdb race.Client, k race.Keys) error {
				_, err := exercise.ByTag(ctx, rdb, k("app"), "ada", "todo")
				return err
			}}}, Check: agree})
	})
}

// agreement says where note 1 of ada and the indexes disagree.
func agreement(ctx context.Context, rdb race.Client, prefix string, tags []string) error {
	notes, err := exercise.ByOwner(ctx, rdb, prefix, "ada")
	if err != nil {
		return err
	}
	exists, err := rdb.Exists(ctx, exercise.NoteKey(prefix, "ada", "1")).Result()
	if err != nil {
		return err
	}
	if int(exists) != len(notes) {
		return violation("The note is there: %v. ByOwner finds %d notes.", exists == 1, len(notes))
	}
	for _, tag := range tags {
		has := len(notes) == 1 && notes[0].Tag == tag
		listed, err := rdb.Exists(ctx, exercise.TagKey(prefix, "ada", tag)).Result()
		if err != nil {
			return err
		}
		switch {
		case has && listed == 0:
			return violation("The note has the tag %s, and the index of %s does not name it.", tag, tag)
		case !has && listed == 1 && len(notes) == 0:
			return violation("There is no note, and the index of %s names one.", tag)
		case !has && listed == 1:
			return violation("The note has the tag %s, and the index of %s names it too.", notes[0].Tag, tag)
		}
	}
	return nil
}

func violation(format string, args ...any) error {
	return &race.Violation{Message: fmt.Sprintf(format, args...)}
}

// end waits until a note of a few milliseconds is gone.
func end(c *check.C, key string) {
	for range 500 {
		if n, err := c.Direct().Exists(c.Context(), key).Result(); err == nil && n == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	c.Fail("A note was saved for 30 ms, and %s is still there.", key)
}

func gone(c *check.C, key, why string) {
	n, err := c.Direct().Exists(c.Context(), key).Result()
	c.NoError(err, "EXISTS")
	if n != 0 {
		c.Fail("%s, and the index %s still names some.", why, key)
	}
}

// indexed holds the index of a tag to whether there are notes with it.
func indexed(c *check.C, prefix, owner, tag string, want bool) {
	n, err := c.Direct().Exists(c.Context(), exercise.TagKey(prefix, owner, tag)).Result()
	c.NoError(err, "EXISTS")
	if n == 1 && !want {
		c.Fail("Owner %q has no note with the tag %q any more, and its index still names one.", owner, tag)
	}
}

func where(model map[string]exercise.Note, owner, tag string) (out []exercise.Note) {
	for _, n := range model {
		if n.Owner == owner && (tag == "" || n.Tag == tag) {
			out = append(out, n)
		}
	}
	return out
}

// same compares notes, whatever their order.
func same(c *check.C, what string, got, want []exercise.Note) {
	for _, n := range got {
		if !slices.Contains(want, n) {
			c.Fail("%s: the answer holds %+v, which is not one of its %d notes.", what, n, len(want))
		}
	}
	for _, n := range want {
		if !slices.Contains(got, n) {
			c.Fail("%s: %+v is missing in the answer.", what, n)
		}
	}
	if len(got) > len(want) {
		c.Fail("%s: %d notes, and the answer holds %d.", what, len(want), len(got))
	}
}

func roundTrips(sent []trace.Event) (trips int) {
	for _, group := range trace.Groups(sent) {
		trips += group.RoundTrips
	}
	return trips
}

// slot is where a cluster keeps a key: CRC16 of it, or of its hash tag.
func slot(key string) int {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			key = tag
		}
	}
	crc := uint16(0)
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % 16384)
}
