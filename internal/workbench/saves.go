package workbench

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

// watchers check exercises at each save, for as long as a page of them is open
// and a while beyond: a browser behind the editor counts as closed.
type watchers struct {
	mu     sync.Mutex
	byUnit map[string]*watcher
}

type watcher struct {
	pages  int
	linger *time.Timer
	cancel context.CancelFunc // nil while nothing is watched
	busy   bool               // a check that a page asked for is under way
	report *exercise.Report   // the newest
	hints  int                // shown by this page; the records may know of more, or of none
}

// linger is how long saves are still checked after the last page has gone.
const linger = 30 * time.Minute

// of returns the unit's watcher. The lock is held.
func (w *watchers) of(id string) *watcher {
	if w.byUnit == nil {
		w.byUnit = map[string]*watcher{}
	}
	if w.byUnit[id] == nil {
		w.byUnit[id] = &watcher{}
	}
	return w.byUnit[id]
}

// watch notes that a page of the unit is open and returns what notes that it is
// not any more.
func (s *Server) watch(unitID string) (leave func()) {
	e, err := s.course.Find(unitID)
	if unitID == "" || err != nil || s.exercises == nil || len(e.Unit.Tasks) == 0 {
		return func() {}
	}
	s.watchers.mu.Lock()
	defer s.watchers.mu.Unlock()
	w := s.watchers.of(e.Unit.ID)
	w.pages++
	if w.linger != nil {
		w.linger.Stop()
	}
	s.beginWatch(e, w)
	return func() {
		s.watchers.mu.Lock()
		defer s.watchers.mu.Unlock()
		if w.pages--; w.pages == 0 {
			w.linger = time.AfterFunc(linger, func() { s.endWatch(w) })
		}
	}
}

func (s *Server) endWatch(w *watcher) {
	s.watchers.mu.Lock()
	defer s.watchers.mu.Unlock()
	if w.pages == 0 && w.cancel != nil {
		w.cancel()
		w.cancel = nil
	}
}

// beginWatch watches the learner's file if there is one and nobody does. The
// lock is held.
func (s *Server) beginWatch(e unit.Entry, w *watcher) {
	if w.cancel != nil || !started(s.exercises.File(e)) {
		return
	}
	ctx, cancel := context.WithCancel(s.base)
	w.cancel = cancel
	s.work.Go(func() {
		defer cancel()
		err := s.exercises.Watch(ctx, e, func(event exercise.WatchEvent) { s.saved(e, event) })
		if err != nil && ctx.Err() == nil {
			s.watchers.mu.Lock()
			w.cancel = nil // the next page that is opened tries again
			s.watchers.mu.Unlock()
			s.tellCheck(e, false, "saves are not seen here ("+plainSentence(err)+"); use Check now")
		}
	})
}

func started(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// saved shows what a watched file led to.
func (s *Server) saved(e unit.Entry, event exercise.WatchEvent) {
	switch {
	case event.Checking:
		s.tellCheck(e, true, "")
	case event.Err != nil:
		s.tellCheck(e, false, plainSentence(event.Err))
	case event.Report != nil:
		s.keep(e, event.Report)
		s.tellCheck(e, false, "")
	}
}

func (s *Server) keep(e unit.Entry, report *exercise.Report) {
	s.watchers.mu.Lock()
	defer s.watchers.mu.Unlock()
	s.watchers.of(e.Unit.ID).report = report
}

// tellCheck sends the card to every page of the unit.
func (s *Server) tellCheck(e unit.Entry, checking bool, message string) {
	v := s.exerciseView(e)
	v.Checking = checking
	if message != "" {
		v.Message, v.Tone, v.Said = message, "bad", "not checked"
	}
	if checking {
		v.Tone, v.Said = "", "checking…"
	}
	s.feed.state("check "+e.Unit.ID, map[string]any{
		"parts": []part{{Slot: "exercise", HTML: s.fragment("exercise-inside", v)}},
		"said":  v.Said, "status": v.Status, "checking": checking,
	})
}
