package workbench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// How long a page waits for a race, and how long a schedule may be.
const (
	maxMoves     = 200
	stepLimit    = 15 * time.Second
	exploreLimit = 3 * time.Minute
)

// stepped is a schedule as it was played, for the page.
type stepped struct {
	Parts    []part   `json:"parts"`
	Schedule string   `json:"schedule"`
	Next     []string `json:"next"`
	Done     bool     `json:"done"`
}

// postRace plays the schedule of the form from the start. Stepping back is
// asking for a shorter one; nothing is kept between two requests.
func (s *Server) postRace(w http.ResponseWriter, r *http.Request, e unit.Entry) {
	schedule, err := race.ParseSchedule(r.PostFormValue("schedule"))
	if err != nil {
		s.sentence(w, http.StatusBadRequest, err)
		return
	}
	if _, err = e.Unit.Scenario(r.PostFormValue("scenario")); err == nil && len(schedule) > maxMoves {
		err = fmt.Errorf("a schedule has at most %d steps here", maxMoves)
	}
	if err != nil {
		s.sentence(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), stepLimit)
	defer cancel()
	outcome, err := s.engine.step(ctx, e.Unit, r.PostFormValue("scenario"), schedule)
	if err != nil {
		s.sentence(w, statusOf(err), err)
		return
	}
	answer(w, http.StatusOK, stepped{
		Parts:    []part{{Slot: "race", HTML: s.fragment("stepped", outcomeView(outcome))}},
		Schedule: outcome.Schedule, Next: outcome.Next, Done: outcome.Done,
	})
}

// postExplore plays every schedule and answers line by line: how far it is, then
// the report. It ends when the page goes away or stops it.
func (s *Server) postExplore(w http.ResponseWriter, r *http.Request, e unit.Entry) {
	if _, err := e.Unit.Scenario(r.PostFormValue("scenario")); err != nil {
		s.sentence(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), exploreLimit)
	defer cancel()
	out := newLines(w)
	defer out.close()
	var shown time.Time
	report, err := s.engine.explore(ctx, e.Unit, r.PostFormValue("scenario"), func(done, total int) {
		if time.Since(shown) < 100*time.Millisecond {
			return
		}
		shown = time.Now()
		if out.parts(part{Slot: "explored", HTML: s.fragment("exploring", unit.Progress{Done: done, Total: total})}) != nil {
			cancel() // nobody reads it any more
		}
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		out.fail(errors.New("exploring took longer than " + millis(exploreLimit.Milliseconds()) + " and was ended"))
	case err != nil:
		out.fail(err)
	default:
		out.parts(part{Slot: "explored", HTML: s.fragment("explored", reportView(report, s.redis.Timings(), ""))}) // the last line; nothing follows
	}
}
