package workbench

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// card posts an action and returns the whole answer as text, unescaped.
func (s *site) card(action string, fields ...string) (int, string) {
	s.t.Helper()
	status, body := s.post("/u/1.01/"+action, fields...)
	var answer struct {
		Parts []part `json:"parts"`
		Error string `json:"error"`
		Ask   bool   `json:"ask"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		s.t.Fatalf("%s: %v in %s", action, err, body)
	}
	text := answer.Error
	for _, p := range answer.Parts {
		strict(s.t, action, p.HTML)
		text += p.HTML
	}
	if answer.Ask {
		text += "ASK"
	}
	return status, text
}

// A learner's way through an exercise.
func TestExercise(t *testing.T) {
	s := serve(t)
	_, page := s.get("/u/1.01-strings")
	has(t, page, "counts every view of 200 clients", "Start the exercise", "not started", "1.01-strings/exercise.go")
	if strings.Contains(page, "Check now") {
		t.Error("an exercise that is not started can be checked")
	}
	_, text := s.card("start")
	has(t, text, "Check now", "not checked yet", "Hint 1 of 3", "Solution", "Start over")

	_, text = s.card("hint")
	has(t, text, "Which command?", "<code>INCR</code>", "Hint 2 of 3")
	_ = s.store.Update("1.01", func(r *progress.Record) { r.HintsShown = 2 })
	_, text = s.card("hint")
	has(t, text, "only if it is given one", "Hint 3 of 3")

	_, text = s.card("solution")
	if text != "ASK" {
		t.Errorf("a solution before a pass: got %s, want a question", clip(text, 200))
	}
	_, text = s.card("solution", "sure", "1")
	has(t, text, `<span class="gd">-	return ErrNotImplemented`, `<span class="gi">&#43;	return rdb.Incr(ctx, key).Err()`)

	_, text = s.card("reset")
	has(t, text, "The starter is back", "exercise.go.bak-1")
}

// What a check found reaches the open page, by "Check now" and by a save.
func TestExercise_check(t *testing.T) {
	s := serve(t)
	s.card("start")
	s.exercises.report = failing()
	s.card("check")
	var states []string
	s.listen("1.01", "", func(h heard) bool {
		if h.kind != "check" {
			return true
		}
		html := h.told.Parts[0].HTML
		if strings.Contains(html, "checking…") {
			states = append(states, "checking")
			return true
		}
		states = append(states, "checked")
		has(t, html, "3 of 4 checks pass", "not all orders were judged: it was cut after 8s", "TTL is −1 after the process died", `<span class="mark bad">fail</span>`, "what the check does")

		select { // the stream of this page watches the file
		case <-s.exercises.began:
		case <-time.After(5 * time.Second):
			t.Fatal("nobody watches the file of an open page")
		}
		return false
	})
	if len(states) == 0 || states[len(states)-1] != "checked" {
		t.Errorf("got the states %v, want the last to be checked", states)
	}

	passing := failing()
	passing.Status, passing.Tests[3].Status, passing.Tests[3].Message = check.Pass, check.Pass, ""
	_ = s.store.Update("1.01", func(r *progress.Record) { r.PassedAt = time.Now() })
	s.exercises.emit(exercise.WatchEvent{Checking: true})
	s.exercises.emit(exercise.WatchEvent{Report: passing})
	s.listen("1.01", "", func(h heard) bool {
		if h.kind == "check" {
			has(t, h.told.Parts[0].HTML, "passed", "Next: 1.02 Objects")
		}
		return h.kind != "check"
	})
	s.exercises.emit(exercise.WatchEvent{Err: errors.New("exercise: no go command on PATH")})
	s.listen("1.01", "", func(h heard) bool {
		if h.kind == "check" {
			has(t, h.told.Parts[0].HTML, "no go command on PATH", "not checked")
		}
		return h.kind != "check"
	})
	_, path := s.get("/")
	has(t, path, `class="cell done"`, "1 of 6 units done", "Next on the path", "Start 1.02")
}

func TestPath(t *testing.T) {
	s := serve(t)
	_, body := s.get("/")
	has(t, body, "New here?", "Start with 1.01", "not in this release yet", `href="/u/1.01-strings"`, "sorted sets", "first API")
	_, body = s.get("/?route=weekend")
	has(t, body, "The shortest way", `class="cell todo aside"`)
	_ = s.store.Update("1.03", func(*progress.Record) {})
	_, body = s.get("/")
	has(t, body, "Continue where you were", "<b>1.03 Time to live</b>")
	for _, e := range s.course.All() {
		_ = s.store.Update(e.Unit.ID, func(r *progress.Record) { r.PassedAt = time.Now() })
	}
	_, body = s.get("/")
	has(t, body, "Everything on this route is done.")
}

func TestUnit_redirects(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"/u/1.01", "/u/1.1", "/u/strings"} {
		r, err := s.client.Get(s.base + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if got := r.Request.URL.Path; got != "/u/1.01-strings" {
			t.Errorf("%s: got to %s, want /u/1.01-strings", path, got)
		}
	}
}

// A race is stepped without state: forward, back, and with faults, on a real
// Redis.
func TestRace(t *testing.T) {
	s := serve(t)
	for _, tc := range []struct{ schedule, want string }{
		{"", "alice’s next"},
		{"A", "bob’s next"},
		{"A B A B", "1 is lost"},
		{"A B A", "bob’s next"},
		{"A A B B", "every like is counted"},
		{"A!", "crashes before it"},
		{"A A?", "reply lost"},
	} {
		status, text := s.card("race", "scenario", "get-set", "schedule", tc.schedule)
		if status != 200 {
			t.Errorf("%q: got %d %s", tc.schedule, status, clip(text, 300))
		}
		has(t, text, tc.want)
	}
	for _, tc := range []struct{ scenario, schedule, want string }{
		{"none", "A", "has no race"},
		{"get-set", "A B x", "schedule"},
		{"get-set", "C", "schedule"},
		{"get-set", strings.Repeat("A", maxMoves+1), "at most"},
	} {
		status, text := s.card("race", "scenario", tc.scenario, "schedule", tc.schedule)
		if status != 400 {
			t.Errorf("%q of %s: got %d, want 400", clip(tc.schedule, 20), tc.scenario, status)
		}
		has(t, text, tc.want)
	}
	_, body := s.post("/u/1.01/explore", "scenario", "get-set")
	has(t, body, "schedules break it", `data-replay=`)
	_, body = s.post("/u/1.01/explore", "scenario", "incr")
	has(t, body, "schedules breaks it")
}
