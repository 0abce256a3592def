package workbench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/localredis"
)

// heard is one event as a browser gets it.
type heard struct {
	id, kind, data string
	told           told
}

// listen opens the stream of a unit, hands each event to take until that returns
// false, and leaves.
func (s *site) listen(unitID, last string, take func(heard) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", s.base+"/events?unit="+unitID, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream" {
		s.t.Fatalf("got %d and the type %q", answer.StatusCode, got)
	}
	var now heard
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
		case "id":
			now.id = value
		case "event":
			now.kind = value
		case "data":
			now.data = value
			if err := json.Unmarshal([]byte(value), &now.told); err != nil {
				s.t.Fatal(err)
			}
		case "":
			if now.kind != "" && !take(now) {
				return
			}
			now = heard{}
		}
	}
	s.t.Fatalf("the stream of %s ended: %v", unitID, lines.Err())
}

// A tab that comes back in the middle of a run gets exactly what it missed, and
// one that is opened later gets all.
func TestEvents_catchUp(t *testing.T) {
	s := serve(t)
	s.engine.gate = make(chan struct{})
	if status, body := s.post("/u/1.01/run"); status != 202 {
		t.Fatalf("got %d %s", status, body)
	}
	var seen []int
	var last string
	tell := func(n int) {
		for range n {
			s.engine.gate <- struct{}{}
		}
	}
	tell(6)
	s.listen("1.01", "", func(h heard) bool {
		if h.kind == "run" {
			seen, last = append(seen, h.told.Seq), h.id
		}
		return h.told.Seq < 6
	})
	rest := len(demoEvents()) - 6
	tell(rest)
	s.listen("1.01", last, func(h heard) bool {
		if h.kind == "run" {
			seen = append(seen, h.told.Seq)
		}
		return h.told.Type != "result"
	})
	for i, seq := range seen {
		if seq != i+1 {
			t.Fatalf("got the events %v, want 1 to %d once each", seen, len(demoEvents()))
		}
	}
	if len(seen) != len(demoEvents()) {
		t.Errorf("got %d events, want %d", len(seen), len(demoEvents()))
	}

	for _, from := range []string{"", "another-3"} { // a new tab; one of an earlier process
		var all int
		s.listen("1.01", from, func(h heard) bool {
			if h.kind == "run" {
				all++
			}
			return h.told.Type != "result"
		})
		if all != len(demoEvents()) {
			t.Errorf("from %q: got %d events, want %d", from, all, len(demoEvents()))
		}
	}
}

// A page hears of its own unit alone.
func TestEvents_ownUnit(t *testing.T) {
	s := serve(t)
	if _, err := s.start(s.course.All()[0].Unit, nil); err != nil {
		t.Fatal(err)
	}
	s.listen("1.01", "", func(h heard) bool { return h.told.Type != "result" })
	s.listen("1.02", "", func(h heard) bool {
		if h.kind == "run" {
			t.Errorf("a page of 1.02 heard of 1.01: %s", h.told.Type)
		}
		return h.kind != "redis"
	})
}

func TestRun_oneAtATime(t *testing.T) {
	s := serve(t)
	s.engine.gate = make(chan struct{})
	if status, body := s.post("/u/1.01/run", "clients", "7"); status != 202 {
		t.Fatalf("got %d %s", status, body)
	}
	status, body := s.post("/u/1.02/run")
	if status != 409 {
		t.Errorf("a second run: got %d, want 409", status)
	}
	has(t, body, "unit 1.01 is running")
	s.post("/u/1.02/stop") // stops nothing
	s.post("/u/1.01/stop")
	s.listen("1.01", "", func(h heard) bool {
		if h.told.Type == "result" {
			has(t, h.told.Parts[0].HTML, "the run was stopped")
			return false
		}
		return true
	})
	s.engine.gate = nil
	if status, body := s.post("/u/1.02/run"); status != 202 {
		t.Errorf("after the end: got %d %s, want 202", status, body)
	}
}

func TestRun_refused(t *testing.T) {
	s := serve(t)
	status, body := s.post("/u/1.01/run", "clients", "900")
	if status != 400 {
		t.Errorf("a parameter out of range: got %d, want 400", status)
	}
	has(t, body, "parameter clients", "from 1 to 200")
	s.engine.fail = errors.New("lab: no port is free")
	s.post("/u/1.01/run")
	s.listen("1.01", "", func(h heard) bool {
		if h.told.Type == "result" {
			has(t, h.told.Parts[0].HTML, "no port is free")
			return false
		}
		return true
	})
}

// A run that tells without end is kept within bounds, and its result is kept.
func TestFeed_bounds(t *testing.T) {
	f := newFeed()
	f.begin("1.01")
	for i := range 3 * maxRunMessages {
		f.tell("1.01", fmt.Sprintf("step %d", i), false, false)
	}
	if !f.dropped("1.01") {
		t.Error("nothing was dropped")
	}
	f.tell("1.01", "the result", false, true)
	messages, _ := f.since("1.01", 0)
	if got := len(messages); got != maxRunMessages+1 {
		t.Errorf("got %d messages, want %d", got, maxRunMessages+1)
	}
	if got := string(messages[len(messages)-1].data); got != `"the result"` {
		t.Errorf("got %s last, want the result", got)
	}
	for i := range maxRuns {
		f.begin(fmt.Sprint("2.", i))
	}
	if messages, _ := f.since("1.01", 0); len(messages) != 0 {
		t.Errorf("the oldest run of %d is still kept", maxRuns+1)
	}
}

// Progress is only of interest while it is the newest.
func TestFeed_brief(t *testing.T) {
	f := newFeed()
	f.begin("1.01")
	f.tell("1.01", "start", false, false)
	for i := range 100 {
		f.tell("1.01", i, true, false)
	}
	f.tell("1.01", "metric", false, false)
	f.tell("1.01", 100, true, false)
	messages, _ := f.since("1.01", 0)
	var got []string
	for _, m := range messages {
		got = append(got, string(m.data))
	}
	if want := `"start" 99 "metric" 100`; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// The pill says when Redis has gone.
func TestEvents_redisGone(t *testing.T) {
	own, err := localredis.Open(t.Context(), localredis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(d *deps, _ *Options) { d.redis = own })
	var tones []string
	s.listen("", "", func(h heard) bool {
		var is health
		if err := json.Unmarshal([]byte(h.data), &is); err != nil {
			t.Fatal(err)
		}
		if tones = append(tones, is.Tone); len(tones) == 1 {
			if err := own.Close(); err != nil {
				t.Fatal(err)
			}
		}
		return len(tones) < 2
	})
	if got := strings.Join(tones, " "); got != "good bad" {
		t.Errorf("got the states %q, want good, then bad", got)
	}
	has(t, s.says("a", "PING"), "Redis does not answer")
}
