package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/internal/unit/progress"
)

func (a *app) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "watch [UNIT]",
		Short: "Check the current exercise at each save",
		Long: `Check an exercise now and at each save. Without a unit it is the one that you
worked on last. It never moves on by itself. Keys: n next, h hint, l list,
s solution, c check now, q quit.`,
		Args:              atMost(1),
		ValidArgsFunction: a.completeUnit,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.exercises(nil)
			if err != nil {
				return err
			}
			e, err := a.watched(r, args)
			if err != nil {
				return err
			}
			if r.Redis, err = a.openRedis(cmd.Context()); err != nil {
				return err
			}
			w := &watcher{app: a, runner: r, unit: e}
			return w.run(cmd.Context())
		},
	}
}

// watched is the unit that was named, else the one worked on last, else the first.
func (a *app) watched(r *exercise.Runner, args []string) (unit.Entry, error) {
	id := r.Progress.Last()
	if len(args) > 0 {
		id = args[0]
	}
	if id == "" {
		id = a.course.All()[0].Unit.ID
	}
	e, err := a.course.Find(id)
	if err == nil && projectOf(id) != nil {
		return e, usagef("%s is a project: `grind check %[1]s` checks it; name an exercise to watch", id)
	}
	if err == nil && len(e.Unit.Tasks) == 0 {
		err = usagef("unit %s has no exercise", e.Unit.ID)
	}
	return e, err
}

// watcher is one session of `grind watch`.
type watcher struct {
	*app
	runner *exercise.Runner
	unit   unit.Entry
	asked  bool // the last key was s, and nothing was shown yet
}

// run watches unit after unit until the person quits.
func (w *watcher) run(ctx context.Context) error {
	keys, restore := w.keys()
	defer restore()
	for {
		again, err := w.one(ctx, keys)
		if err != nil || !again {
			return err
		}
	}
}

// one watches the current unit, until the person quits (false) or goes on.
func (w *watcher) one(ctx context.Context, keys <-chan byte) (again bool, err error) {
	if _, err := w.runner.Start(w.unit); err != nil {
		return false, err
	}
	w.say("%s\n%s", w.palette().bold(w.unit.Unit.ID+" "+w.unit.Unit.Title), w.runner.File(w.unit))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Events come through one channel, so that what a key prints and what a check
	// prints never mix.
	events := make(chan exercise.WatchEvent)
	ended := make(chan error, 1)
	go func() {
		ended <- w.runner.Watch(ctx, w.unit, func(e exercise.WatchEvent) {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		})
	}()
	for {
		select {
		case err := <-ended:
			return false, err
		case e := <-events:
			w.event(e)
		case key, open := <-keys:
			if !open { // no keys to be had: watch until Ctrl-C
				keys = nil
				continue
			}
			again, stop := w.key(key)
			if stop || again {
				cancel()
				<-ended //nolint:errcheck // it was told to end
				return again, nil
			}
		}
	}
}

func (w *watcher) event(e exercise.WatchEvent) {
	switch {
	case e.Checking:
		w.say("\n%s", w.palette().soft("checking…"))
		return
	case e.Report == nil:
		w.say("%s %v", w.palette().bad("The check could not run:"), e.Err)
	default:
		w.printReport(w.unit, e.Report)
		if e.Report.Status == check.Pass {
			w.say("Done. Look around as long as you like; n goes on.")
		}
		if e.Err != nil {
			w.say("%s %v", w.palette().bad("It is not kept:"), e.Err)
		}
	}
	w.say("%s", w.palette().soft("n next · h hint · l list · s solution · c check now · q quit"))
}

// key does what a key asks for. again says that another unit, or the same one
// anew, is to be watched.
func (w *watcher) key(key byte) (again, stop bool) {
	sure := w.asked || w.runner.Progress.Unit(w.unit.Unit.ID).Status != progress.Started
	w.asked = false
	switch key {
	case 'n':
		return w.next(), false
	case 'h':
		h, n, of, err := w.runner.NextHint(w.unit)
		if err != nil {
			w.say("%v", err)
			return false, false
		}
		w.hint(w.unit, h, n, of)
	case 'l':
		if err := w.printList(w.listing(w.runner.Progress)); err != nil {
			w.say("%v", err)
		}
	case 's':
		if !sure {
			w.say("s once more shows the solution; before a pass it is remembered that it was shown.")
			w.asked = true
			return false, false
		}
		if err := w.solution(w.runner, w.unit); err != nil {
			w.say("%v", err)
		}
	case 'c':
		return true, false
	case 'q', 3, 4: // Ctrl-C and Ctrl-D come as bytes from a raw terminal
		return false, true
	}
	return false, false
}

// next moves to the unit behind this one that has an exercise.
func (w *watcher) next() bool {
	found := false
	for _, e := range w.course.All() {
		if found && len(e.Unit.Tasks) > 0 {
			w.unit = e
			return true
		}
		found = found || e.Unit.ID == w.unit.Unit.ID
	}
	w.say("%s was the last exercise.", w.unit.Unit.ID)
	return false
}

// keys hands over what is typed, key by key on a terminal and else line by line,
// and says how to put the terminal back.
func (w *watcher) keys() (<-chan byte, func()) {
	restore := func() {}
	if f, ok := w.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if state, err := term.MakeRaw(int(f.Fd())); err == nil {
			w.out = crlf{w.out}
			restore = func() { _ = term.Restore(int(f.Fd()), state) }
		}
	}
	keys := make(chan byte)
	// A read from a terminal cannot be interrupted; the goroutine ends with the
	// program, which is what follows.
	go func() {
		defer close(keys)
		buf := make([]byte, 1)
		for {
			if n, err := w.in.Read(buf); n == 0 || err != nil {
				return
			}
			if buf[0] != '\n' && buf[0] != '\r' {
				keys <- buf[0]
			}
		}
	}()
	return keys, restore
}

// crlf ends lines the way a raw terminal needs it.
type crlf struct{ to io.Writer }

func (c crlf) Write(p []byte) (int, error) {
	_, err := fmt.Fprint(c.to, strings.ReplaceAll(string(p), "\n", "\r\n"))
	return len(p), err
}
