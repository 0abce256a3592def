package workbench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// desk holds the experiment that is running. There is one at a time: two loads
// on one machine would spoil each other's figures.
type desk struct {
	mu      sync.Mutex
	count   int
	current *running
}

type running struct {
	id     string
	unit   string
	cancel context.CancelFunc
}

// busyError says that another experiment runs.
type busyError struct{ unit string }

// Error says which, and what to do.
func (e *busyError) Error() string {
	return fmt.Sprintf("unit %s is running, and two at once would spoil each other's figures; wait for it or stop it there", e.unit)
}

// take makes a unit the running one.
func (d *desk) take(ctx context.Context, unitID string) (context.Context, *running, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		return nil, nil, &busyError{d.current.unit}
	}
	ctx, cancel := context.WithCancel(ctx)
	d.count++
	d.current = &running{id: "run" + strconv.Itoa(d.count), unit: unitID, cancel: cancel}
	return ctx, d.current, nil
}

func (d *desk) leave(r *running) {
	r.cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current == r {
		d.current = nil
	}
}

// stop asks the unit's run to end, if there is one.
func (d *desk) stop(unitID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil && d.current.unit == unitID {
		d.current.cancel()
	}
}

// told is one event of a run as a page gets it.
type told struct {
	Run   string `json:"run"`
	Seq   int    `json:"seq"`
	Type  string `json:"type"`
	Parts []part `json:"parts,omitempty"`
	Data  any    `json:"data,omitempty"`
}

// start runs a unit's experiment in the background; its events go to the feed.
func (s *Server) start(u *unit.Unit, set map[string]string) (string, error) {
	if _, err := u.Settings(set, false); err != nil {
		return "", err
	}
	if missing := s.engine.missing(u); missing != nil {
		return "", missing
	}
	ctx, r, err := s.desk.take(s.base, u.ID)
	if err != nil {
		return "", err
	}
	s.feed.begin(u.ID)
	s.touch(u.ID)
	s.work.Go(func() {
		defer s.desk.leave(r)
		view := s.newRunView()
		seq := 0
		emit := func(e unit.Event) {
			seq++
			_, brief := e.(unit.Progress)
			_, last := e.(unit.Result)
			if last && s.feed.dropped(u.ID) {
				view.cut = true
			}
			if last {
				s.desk.leave(r) // whoever reads the result may start the next one
			}
			parts, data := view.event(e)
			s.feed.tell(u.ID, told{Run: r.id, Seq: seq, Type: e.Type(), Parts: parts, Data: data}, brief, last)
		}
		if err := s.engine.execute(ctx, u, set, emit); err != nil {
			emit(unit.Result{Error: err.Error()})
		}
	})
	return r.id, nil
}

// postRun starts the experiment with the parameters of the form.
func (s *Server) postRun(w http.ResponseWriter, r *http.Request, e unit.Entry) {
	set := map[string]string{}
	for _, p := range e.Unit.Params {
		if p.Kind == unit.BoolParam {
			set[p.Name] = strconv.FormatBool(r.PostFormValue(p.Name) != "")
		} else if v := r.PostFormValue(p.Name); v != "" {
			set[p.Name] = v
		}
	}
	id, err := s.start(e.Unit, set)
	if err != nil {
		s.sentence(w, statusOf(err), err)
		return
	}
	answer(w, http.StatusAccepted, map[string]string{"run": id})
}

// statusOf says what kind of no an error is.
func statusOf(err error) int {
	switch {
	case is[*unit.ParamError](err), is[*race.ScheduleError](err):
		return http.StatusBadRequest
	case is[*busyError](err), is[*unit.NeedsError](err):
		return http.StatusConflict
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// postStop ends the unit's run, if there is one.
func (s *Server) postStop(w http.ResponseWriter, _ *http.Request, e unit.Entry) {
	s.desk.stop(e.Unit.ID)
	answer(w, http.StatusOK, struct{}{})
}
