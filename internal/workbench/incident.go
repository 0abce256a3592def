package workbench

import (
	"context"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/incident"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

// incidents is what the page needs of package incident. It needs the source tree.
type incidents interface {
	File(e unit.IncidentEntry) string
	Start(e unit.IncidentEntry) (created bool, err error)
	Reset(e unit.IncidentEntry) (backup string, err error)
	Run(ctx context.Context, e unit.IncidentEntry, emit func(incident.Event)) (over bool, err error)
}

// liveIncidents is the real one, beside the exercises of the same source tree.
type liveIncidents struct {
	exercises *exercise.Runner
	binary    string // of the server; empty is the one on PATH
}

func (l liveIncidents) runner(e unit.IncidentEntry) *incident.Runner {
	x := l.exercises
	return &incident.Runner{Root: x.Root, Entry: e, Binary: l.binary, Progress: x.Progress, Workspace: x.Workspace}
}

func (l liveIncidents) File(e unit.IncidentEntry) string { return l.runner(e).File() }

func (l liveIncidents) Start(e unit.IncidentEntry) (bool, error) { return l.runner(e).Start() }

func (l liveIncidents) Reset(e unit.IncidentEntry) (string, error) { return l.runner(e).Reset() }

func (l liveIncidents) Run(ctx context.Context, e unit.IncidentEntry, emit func(incident.Event)) (bool, error) {
	return l.runner(e).Run(ctx, "", emit)
}

// scene is what the page knows of the incident that runs, or ran last.
type scene struct {
	mu      sync.Mutex
	id      string
	running bool
	over    bool
	state   incident.State
	board   incident.Status
	wire    incident.Wire
	pages   map[string]int // that are open, by incident
	linger  *time.Timer
}

// incidentPage is the page of one incident.
type incidentPage struct {
	Entry    unit.IncidentEntry
	Incident *unit.Incident
	Phase    unit.Phase
	Story    template.HTML
	State    incidentState
	Board    boardView
	Wire     incidentWire
}

func (s *Server) getIncident(w http.ResponseWriter, r *http.Request, e unit.IncidentEntry) {
	if r.URL.Path != incidentHref(e) {
		http.Redirect(w, r, incidentHref(e), http.StatusSeeOther) //nolint:gosec // the address is the course's own
		return
	}
	v := incidentPage{Entry: e, Incident: e.Incident}
	for _, p := range s.course.Phases {
		if p.Number == e.Phase {
			v.Phase = p
		}
	}
	source, err := s.course.Story(e)
	if err == nil {
		v.Story, err = lessonHTML(source, e.Incident.Lead)
	}
	if err != nil {
		v.Story = template.HTML(s.fragment("no-lesson", nil)) //nolint:gosec // made by a template
	}
	v.State, v.Board, v.Wire = s.scenery(e)
	f := s.frame(e.Incident.Title, "path", "css/code.css", "css/bench.css", "css/incident.css")
	f.Kind, f.Unit, f.Page = "incident", e.Incident.ID, v
	s.show(w, http.StatusOK, f, "incident")
}

func incidentHref(e unit.IncidentEntry) string { return "/incident/" + strconv.Itoa(e.Phase) }

// incident finds the incident that an address names.
func (s *Server) incident(handle func(w http.ResponseWriter, r *http.Request, e unit.IncidentEntry)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e, ok := s.course.FindIncident(r.PathValue("phase"))
		if !ok {
			s.refuse(w, r, http.StatusNotFound, "There is no such incident", "The path shows which phases end with one.")
			return
		}
		handle(w, r, e)
	}
}

// postIncidentRun puts the file into the workspace, if it is not there, and runs
// the incident in the background.
func (s *Server) postIncidentRun(w http.ResponseWriter, _ *http.Request, e unit.IncidentEntry) {
	if s.incidents == nil {
		s.sentence(w, http.StatusConflict, s.noSource)
		return
	}
	ctx, r, err := s.desk.take(s.base, e.Incident.ID)
	if err != nil {
		s.sentence(w, statusOf(err), err)
		return
	}
	if _, err := s.incidents.Start(e); err != nil {
		s.desk.leave(r)
		s.sentence(w, http.StatusInternalServerError, err)
		return
	}
	s.scene.begin(e)
	s.tellScene(e)
	s.work.Go(func() {
		defer s.desk.leave(r)
		over, err := s.incidents.Run(ctx, e, func(event incident.Event) { s.happened(e, event) })
		s.desk.leave(r) // whoever reads the end may begin anew
		s.scene.end(over, err)
		s.tellScene(e)
	})
	answer(w, http.StatusAccepted, struct{}{})
}

func (s *Server) postIncidentStop(w http.ResponseWriter, _ *http.Request, e unit.IncidentEntry) {
	s.desk.stop(e.Incident.ID)
	answer(w, http.StatusOK, struct{}{})
}

// postIncidentReset puts the file back; if the incident runs, that is a save like
// any other.
func (s *Server) postIncidentReset(w http.ResponseWriter, _ *http.Request, e unit.IncidentEntry) {
	if s.incidents == nil {
		s.sentence(w, http.StatusConflict, s.noSource)
		return
	}
	backup, err := s.incidents.Reset(e)
	if err != nil {
		s.sentence(w, http.StatusInternalServerError, err)
		return
	}
	said := "The file is as it was at the start."
	if backup != "" {
		said += " What you wrote is in " + homely(backup) + "."
	}
	answer(w, http.StatusOK, map[string]string{"said": said})
}

func (sc *scene) begin(e unit.IncidentEntry) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.id, sc.running, sc.over = e.Incident.ID, true, false
	sc.state, sc.board, sc.wire = incident.State{Phase: incident.Building, Text: "building " + e.Incident.File}, incident.Status{}, incident.Wire{}
}

func (sc *scene) end(over bool, err error) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.running, sc.over = false, over
	sc.state = incident.State{Phase: "stopped"}
	if err != nil {
		sc.state = incident.State{Phase: incident.Failed, Text: plainSentence(err)}
	}
}

// happened takes an event of the incident that runs and shows it.
func (s *Server) happened(e unit.IncidentEntry, event incident.Event) {
	s.scene.mu.Lock()
	switch event := event.(type) {
	case incident.State:
		s.scene.state = event
	case incident.Status:
		s.scene.board = event
	case incident.Wire:
		s.scene.wire = event
	}
	s.scene.mu.Unlock()
	state, board, wire := s.scenery(e)
	switch event.(type) {
	case incident.State:
		s.tell(e, "state", "incident-state", state, state.Said)
	case incident.Status:
		s.tell(e, "board", "board", board, board.Said)
	case incident.Wire:
		s.tell(e, "wire", "incident-wire", wire, "")
	}
}

// tellScene shows all of it.
func (s *Server) tellScene(e unit.IncidentEntry) {
	state, board, wire := s.scenery(e)
	s.tell(e, "state", "incident-state", state, state.Said)
	s.tell(e, "board", "board", board, "")
	s.tell(e, "wire", "incident-wire", wire, "")
}

// tell sends one part of the page to every tab of the incident.
func (s *Server) tell(e unit.IncidentEntry, kind, name string, view any, said string) {
	s.feed.state(kind+" "+e.Incident.ID, map[string]any{
		"parts": []part{{Slot: name, HTML: s.fragment(name, view)}}, "said": said,
	})
}

// attend notes that a page of an incident is open and returns what notes that it
// is not any more. An incident that nobody has looked at for long is ended: its
// load would go on for ever.
func (s *Server) attend(id string) (leave func()) {
	if e, ok := s.course.FindIncident(id); !ok || id == "" || e.Incident.ID != id {
		return func() {}
	}
	sc := &s.scene
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if sc.pages == nil {
		sc.pages = map[string]int{}
	}
	sc.pages[id]++
	if sc.linger != nil {
		sc.linger.Stop()
	}
	return func() {
		sc.mu.Lock()
		defer sc.mu.Unlock()
		if sc.pages[id]--; sc.pages[id] == 0 {
			sc.linger = time.AfterFunc(linger, func() { s.desk.stop(id) })
		}
	}
}
