package workbench

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// exercises is what the card needs of *exercise.Runner.
type exercises interface {
	File(e unit.Entry) string
	Start(e unit.Entry) (created bool, err error)
	Reset(e unit.Entry) (backup string, err error)
	Check(ctx context.Context, e unit.Entry, o exercise.CheckOptions) (*exercise.Report, error)
	Hints(e unit.Entry) ([]exercise.Hint, error)
	NextHint(e unit.Entry) (hint exercise.Hint, n, of int, err error)
	Solution(e unit.Entry) (diff string, err error)
	Watch(ctx context.Context, e unit.Entry, emit func(exercise.WatchEvent)) error
}

// checkLimit bounds a check, the first build included.
const checkLimit = 5 * time.Minute

// exerciseView is the card of an exercise.
type exerciseView struct {
	ID       string
	NoSource string // why there is nothing to start; empty when there is
	File     string // as people write it
	Started  bool
	Status   progress.Status
	Tone     string // of the pill
	Said     string // what the pill says
	Checking bool
	Message  string // what kept the checks from running
	Took     string
	Tasks    []taskView
	Hints    []hintView
	HintNext int // number of the next hint; 0 when all are shown
	HintOf   int
	Next     link
}

type taskView struct {
	Title, Mark, Tone, Message, Note, Code string
	Trips                                  int
}

type hintView struct {
	Number int
	Title  string
	Body   template.HTML
}

// exerciseView is the card as it stands; nil for a unit without an exercise.
func (s *Server) exerciseView(e unit.Entry) *exerciseView {
	if len(e.Unit.Tasks) == 0 {
		return nil
	}
	v := &exerciseView{ID: e.Unit.ID}
	for _, t := range e.Unit.Tasks {
		v.Tasks = append(v.Tasks, taskView{Title: t.Title})
	}
	if s.exercises == nil {
		v.Tone, v.Said = "warn", "not here"
		v.NoSource = "Exercises are compiled, and this grind runs outside its source tree. Start it inside the tree: `go run ./cmd/grind`."
		if s.noSource != nil {
			v.NoSource = plainSentence(s.noSource)
		}
		return v
	}
	v.Started = started(s.exercises.File(e))
	v.File = pathForPeople(s.exercises.File(e))
	v.Said = "not started"
	if v.Started {
		v.Said = "not checked yet"
	}
	record := progress.Record{}
	if s.progress != nil {
		record = s.progress.Unit(e.Unit.ID)
	}
	v.setStatus(record)
	s.watchers.mu.Lock()
	report, hints := s.watchers.of(e.Unit.ID).report, s.watchers.of(e.Unit.ID).hints
	s.watchers.mu.Unlock()
	s.setHints(v, e, max(hints, record.HintsShown))
	if report != nil && v.Started {
		v.setReport(report)
	}
	if passed(record) {
		var page unitView
		s.neighbours(&page, e)
		v.Next = page.Next
	}
	return v
}

func (v *exerciseView) setStatus(r progress.Record) {
	switch v.Status = r.Status; r.Status {
	case progress.Passed:
		v.Tone, v.Said = "good", "passed"
	case progress.Given:
		v.Tone, v.Said = "good", "done, with the solution shown"
	}
}

func (v *exerciseView) setReport(r *exercise.Report) {
	v.Message, v.Took = r.Message, millis(r.Millis)
	v.Tasks = v.Tasks[:0]
	held := 0
	for _, t := range r.Tests {
		view := taskView{Title: t.Name, Mark: string(t.Status), Message: t.Message, Note: t.Note, Code: t.Code}
		switch t.Status {
		case check.Pass:
			held++
			view.Tone = "good"
		case check.Fail:
			view.Tone = "bad"
		default:
			view.Mark, view.Tone = "not run", "none"
		}
		v.Tasks = append(v.Tasks, view)
	}
	if r.Status == check.Pass {
		v.Tone, v.Said = "good", "passed"
		return
	}
	v.Tone, v.Said = "warn", fmt.Sprintf("%d of %d checks pass", held, len(r.Tests))
	if r.Kind == "compile" {
		v.Tone, v.Said = "bad", "does not compile"
	}
}

func (s *Server) setHints(v *exerciseView, e unit.Entry, shown int) {
	hints, err := s.exercises.Hints(e)
	if err != nil {
		return // an exercise without hints is still an exercise; `grind verify` insists on them
	}
	v.HintOf = len(hints)
	for i, h := range hints[:min(shown, len(hints))] {
		body, err := markdownHTML([]byte(h.Text))
		if err != nil {
			body = template.HTML(template.HTMLEscapeString(h.Text)) //nolint:gosec // escaped, as one sees
		}
		v.Hints = append(v.Hints, hintView{i + 1, h.Title, body})
	}
	if shown < len(hints) {
		v.HintNext = shown + 1
	}
}

// pathForPeople is a path as one would type it: from the current folder if it is
// below.
func pathForPeople(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

var errNoTree = errors.New("exercises need the source tree of grind; start it inside the tree")

// withExercise answers with the card after something was done to it.
func (s *Server) withExercise(w http.ResponseWriter, e unit.Entry, do func() ([]part, error)) {
	if s.exercises == nil || len(e.Unit.Tasks) == 0 {
		s.sentence(w, http.StatusConflict, errNoTree)
		return
	}
	parts, err := do()
	if err != nil {
		s.sentence(w, http.StatusInternalServerError, err)
		return
	}
	card := part{Slot: "exercise", HTML: s.fragment("exercise-inside", s.exerciseView(e))}
	answer(w, http.StatusOK, map[string]any{"parts": append([]part{card}, parts...)})
}

func (s *Server) postStart(w http.ResponseWriter, _ *http.Request, e unit.Entry) {
	s.withExercise(w, e, func() ([]part, error) {
		if _, err := s.exercises.Start(e); err != nil {
			return nil, err
		}
		s.watchers.mu.Lock()
		defer s.watchers.mu.Unlock()
		if watcher := s.watchers.of(e.Unit.ID); watcher.pages > 0 {
			s.beginWatch(e, watcher)
		}
		return nil, nil
	})
}

// postCheck checks now. What comes of it reaches every page of the unit by the
// stream, as after a save.
func (s *Server) postCheck(w http.ResponseWriter, _ *http.Request, e unit.Entry) {
	s.withExercise(w, e, func() ([]part, error) {
		s.watchers.mu.Lock()
		defer s.watchers.mu.Unlock()
		watcher := s.watchers.of(e.Unit.ID)
		if watcher.busy {
			return nil, errors.New("it is being checked already")
		}
		watcher.busy = true
		s.work.Go(func() { s.checkNow(e) })
		return nil, nil
	})
}

func (s *Server) checkNow(e unit.Entry) {
	s.tellCheck(e, true, "")
	ctx, cancel := context.WithTimeout(s.base, checkLimit)
	defer cancel()
	report, err := s.exercises.Check(ctx, e, exercise.CheckOptions{})
	message := ""
	if report != nil {
		s.keep(e, report)
	}
	if err != nil {
		message = plainSentence(err)
	}
	s.watchers.mu.Lock()
	s.watchers.of(e.Unit.ID).busy = false
	s.watchers.mu.Unlock()
	s.tellCheck(e, false, message)
}

func (s *Server) postHint(w http.ResponseWriter, _ *http.Request, e unit.Entry) {
	s.withExercise(w, e, func() ([]part, error) {
		_, n, _, err := s.exercises.NextHint(e)
		s.watchers.mu.Lock()
		defer s.watchers.mu.Unlock()
		s.watchers.of(e.Unit.ID).hints = n
		return nil, err
	})
}

// postReset puts the starter back and says where the learner's own file is.
func (s *Server) postReset(w http.ResponseWriter, _ *http.Request, e unit.Entry) {
	s.withExercise(w, e, func() ([]part, error) {
		backup, err := s.exercises.Reset(e)
		if err != nil {
			return nil, err
		}
		s.watchers.mu.Lock()
		s.watchers.of(e.Unit.ID).report = nil
		s.watchers.mu.Unlock()
		text := "The starter is back."
		if backup != "" {
			text += " What you wrote is kept in `" + pathForPeople(backup) + "`."
		}
		return []part{{Slot: "exercise-said", HTML: s.fragment("said-note", text)}, {Slot: "solution"}}, nil
	})
}

// postSolution shows the solution as a difference. Before a pass the page has to
// say that it is sure, because the unit then counts as given.
func (s *Server) postSolution(w http.ResponseWriter, r *http.Request, e unit.Entry) {
	if s.exercises != nil && s.progress != nil && r.PostFormValue("sure") == "" && !passed(s.progress.Unit(e.Unit.ID)) {
		answer(w, http.StatusOK, map[string]any{"ask": true})
		return
	}
	s.withExercise(w, e, func() ([]part, error) {
		diff, err := s.exercises.Solution(e)
		if err != nil {
			return nil, err
		}
		return []part{{Slot: "solution", HTML: s.fragment("solution", diffOf(diff))}}, nil
	})
}

type diffLine struct{ Class, Text string }

// diffOf colours a unified difference; nil when there is none.
func diffOf(diff string) []diffLine {
	var out []diffLine
	for line := range strings.Lines(diff) {
		class := ""
		switch {
		case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"), strings.HasPrefix(line, "@@"), strings.HasPrefix(line, `\`):
			class = "gu"
		case strings.HasPrefix(line, "+"):
			class = "gi"
		case strings.HasPrefix(line, "-"):
			class = "gd"
		}
		out = append(out, diffLine{class, strings.TrimSuffix(line, "\n")})
	}
	return out
}
