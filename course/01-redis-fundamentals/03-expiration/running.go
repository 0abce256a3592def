package expiry

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// moment is one frame of the film of holds: what is done, and said.
type moment struct {
	caption string
	do      func(p redis.Pipeliner)
}

// running films four holds while their time runs down, and moves two of their ends
// on the way.
func running(ctx context.Context, r *unit.Run) error {
	tick := 400 * time.Millisecond
	if r.Quick() {
		tick = 80 * time.Millisecond
	}
	r.Step("Four holds, and what PTTL says of them, every %v.", tick)
	names := []string{"hold:1a", "hold:1b", "hold:1c", "hold:1d"}
	life := 11 * tick / 2 // it ends between two frames
	film := unit.Film{Title: "Four holds run down"}
	begun := time.Now()
	for i, m := range []moment{
		{"Each is set with its end; that of 1a comes first.", func(p redis.Pipeliner) {
			p.Set(ctx, r.Key("hold:1a"), "ida", 5*tick/2)
			for _, name := range names[1:] {
				p.Set(ctx, r.Key(name), "otto", life)
			}
		}},
		{},
		{"PEXPIRE on 1b: its whole time lies before it again.", func(p redis.Pipeliner) { p.PExpire(ctx, r.Key("hold:1b"), life) }},
		{},
		{"A plain SET on 1c takes the end away.", func(p redis.Pipeliner) { p.Set(ctx, r.Key("hold:1c"), "zoe", 0) }},
		{}, {}, {}, {},
	} {
		r.Progress("holds run down", i, 8)
		if err := sleepUntil(ctx, begun.Add(time.Duration(i)*tick)); err != nil {
			return err
		}
		if m.do != nil {
			if _, err := r.Redis().Pipelined(ctx, func(p redis.Pipeliner) error { m.do(p); return nil }); err != nil {
				return err
			}
		}
		frame, err := r.Frame(ctx, m.caption, names...)
		if err != nil {
			return err
		}
		if i == 0 {
			begun = time.Now()
		}
		frame.Millis = time.Since(begun).Milliseconds()
		film.Frames = append(film.Frames, frame)
		film.Frames[i].Caption = told(film.Frames, m.caption)
	}
	r.Film(film)
	return nil
}

// told adds to a caption which keys are gone since the frame before.
func told(frames []unit.Frame, caption string) string {
	last := frames[len(frames)-1]
	said := []string{caption}
	for i, key := range last.Keys {
		if key.Type == "none" && frames[len(frames)-2].Keys[i].Type != "none" {
			said = append(said, "The time of "+key.Name+" is over: it is gone.")
		}
	}
	if caption = strings.TrimSpace(strings.Join(said, " ")); caption == "" {
		return "Nobody does anything."
	}
	return caption
}

func sleepUntil(ctx context.Context, at time.Time) error {
	select {
	case <-time.After(time.Until(at)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
