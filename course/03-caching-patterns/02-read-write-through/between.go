package lifts

import (
	"context"
	"fmt"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// rounds is how many lifts are closed in each of the cases.
const rounds = 5

// between has skiers look at the board while lifts are being closed: before the
// database has it, and right after.
func between(ctx context.Context, r *unit.Run, d *database) error {
	r.Step("%d lifts are closed, and skiers look while that is going on.", rounds)
	table := unit.Table{Title: fmt.Sprintf("%d lifts are closed", rounds), Columns: []string{"", "before the commit the board says: closed", "after the commit it says: open", "the window"}}
	for _, w := range ways {
		b, err := w.open(r, r.Redis())
		if err != nil {
			return err
		}
		early, late, window := 0, 0, time.Duration(0)
		for i := range rounds {
			v := visit{board: b, d: d, lift: fmt.Sprintf("between-%d", i), waits: w.waits}
			if err := v.play(ctx); err != nil {
				return fmt.Errorf("%s: %w", w.label, err)
			}
			early += v.count(func(l look) bool { return l.state == closed && l.at.Before(v.committed) })
			late += v.count(func(l look) bool { return l.state == opened && l.at.After(v.committed) })
			window = max(window, v.window())
		}
		span := unit.Figure(float64(window.Nanoseconds())/1000, "µs")
		if early+late == 0 {
			span = "none"
		} else if r.Embedded() {
			span = "–"
		}
		table.Rows = append(table.Rows, []string{w.label, fmt.Sprint(early), fmt.Sprint(late), span})
		r.Metric(unit.Metric{Name: "early_" + w.name, Label: "the board is early, " + w.label, Value: float64(early), Tone: w.tone, Minor: true})
		r.Metric(unit.Metric{Name: "late_" + w.name, Label: "the board is late, " + w.label, Value: float64(late), Tone: w.tone, Minor: true})
	}
	r.Table(table)
	return nil
}

// visit closes a lift while two skiers look: one before the commit, one after it.
type visit struct {
	board
	d     *database
	lift  string
	waits bool
	looks [2]look

	committed, returned time.Time
}

// look is what a skier was told, and when.
type look struct {
	state string
	at    time.Time
}

func (v *visit) count(is func(look) bool) (n int) {
	for _, l := range v.looks {
		if is(l) {
			n++
		}
	}
	return n
}

// window is for how long, at least, the cache and the database said different things.
func (v *visit) window() time.Duration {
	if v.looks[0].state == closed {
		return v.committed.Sub(v.looks[0].at)
	}
	return v.returned.Sub(v.committed)
}

func (v *visit) play(ctx context.Context) error {
	if err := v.write(ctx, v.lift, opened, func(ctx context.Context) error { return v.d.save(ctx, v.lift, opened) }); err != nil {
		return err
	}
	if _, err := v.read(ctx, v.lift, v.d.load); err != nil {
		return err
	}
	told := make(chan error, len(v.looks))
	err := v.write(ctx, v.lift, closed, func(ctx context.Context) error {
		v.look(ctx, 0, told)
		if err := v.d.save(ctx, v.lift, closed); err != nil {
			return err
		}
		v.committed = time.Now()
		v.look(ctx, 1, told)
		return nil
	})
	v.returned = time.Now()
	if err != nil {
		return err // a skier may be waiting; there are no figures any more
	}
	for range v.looks {
		if err := <-told; err != nil {
			return err
		}
	}
	return nil
}

// look reads the board: at once, or beside the write where readers wait for it.
func (v *visit) look(ctx context.Context, n int, told chan<- error) {
	ask := func() {
		state, err := v.read(ctx, v.lift, v.d.load)
		v.looks[n] = look{state, time.Now()}
		told <- err
	}
	if v.waits {
		go ask()
		return
	}
	ask()
}
