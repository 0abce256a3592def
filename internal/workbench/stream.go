package workbench

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The bounds of what is kept for tabs that come back.
const (
	maxRunMessages = 1500
	maxRunBytes    = 2 << 20
	maxRuns        = 12 // units whose latest run is kept
	maxStreams     = 32 // open at once
)

// heartbeat is how often a quiet stream says that it lives; writeLimit is how
// long a tab may take to read what it is sent.
const (
	heartbeat  = 15 * time.Second
	writeLimit = 10 * time.Second
)

// message is one thing that pages are told.
type message struct {
	id   uint64
	kind string // the event's name in the browser: run, check, redis, state, board, wire
	data []byte // JSON
}

// runLog holds the messages of the latest run of a unit.
type runLog struct {
	messages []message
	bytes    int
	dropped  bool
	brief    bool // the last message may be replaced: progress
}

// feed holds what pages are told, by position. It is read, never pushed: a tab
// says which message it saw last and takes the rest.
type feed struct {
	// epoch tells the numbers of this process from those of an earlier one.
	epoch string

	mu      sync.Mutex
	last    uint64
	runs    map[string]*runLog
	order   []string           // units in runs, the oldest run first
	states  map[string]message // by "redis", "check <unit>", "board <incident>" and such: only the newest counts
	changed chan struct{}      // closed and replaced at each message
}

func newFeed() *feed {
	return &feed{
		epoch: strings.ToLower(rand.Text()[:6]), runs: map[string]*runLog{},
		states: map[string]message{}, changed: make(chan struct{}),
	}
}

// begin forgets the unit's earlier run.
func (f *feed) begin(unitID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.order = slices.DeleteFunc(f.order, func(id string) bool { return id == unitID })
	f.order = append(f.order, unitID)
	f.runs[unitID] = &runLog{}
	if len(f.order) > maxRuns {
		delete(f.runs, f.order[0])
		f.order = f.order[1:]
	}
}

// tell adds a message to the unit's run. A brief one is replaced by the next
// brief one. Once the bounds are met only a last message is taken.
func (f *feed) tell(unitID string, v any, brief, last bool) {
	data := encode(v)
	f.mu.Lock()
	defer f.mu.Unlock()
	log, ok := f.runs[unitID]
	if !ok {
		return // many other units ran since
	}
	if !last && (len(log.messages) >= maxRunMessages || log.bytes+len(data) > maxRunBytes) {
		log.dropped = true
		return
	}
	if n := len(log.messages); brief && log.brief && n > 0 {
		log.bytes -= len(log.messages[n-1].data)
		log.messages = log.messages[:n-1]
	}
	log.brief = brief
	log.bytes += len(data)
	log.messages = append(log.messages, f.next("run", data))
}

// dropped says whether a part of the unit's run was too long to keep.
func (f *feed) dropped(unitID string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.runs[unitID]
	return log != nil && log.dropped
}

// state replaces what is known under a name: "redis", or "check 1.01".
func (f *feed) state(name string, v any) {
	kind, _, _ := strings.Cut(name, " ")
	data := encode(v)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.states[name] = f.next(kind, data)
}

// next numbers a message and wakes the streams. The lock is held.
func (f *feed) next(kind string, data []byte) message {
	f.last++
	close(f.changed)
	f.changed = make(chan struct{})
	return message{id: f.last, kind: kind, data: data}
}

// since returns what a page of this unit has not seen, in order, and what is
// closed when there is more.
func (f *feed) since(unitID string, seen uint64) ([]message, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []message
	if log, ok := f.runs[unitID]; ok {
		from, _ := slices.BinarySearchFunc(log.messages, seen+1, func(m message, id uint64) int { return cmp.Compare(m.id, id) })
		out = append(out, log.messages[from:]...)
	}
	for _, name := range []string{"redis", "check " + unitID, "state " + unitID, "board " + unitID, "wire " + unitID} {
		if m, ok := f.states[name]; ok && m.id > seen {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b message) int { return cmp.Compare(a.id, b.id) })
	return out, f.changed
}

// position reads an id that a browser sends back; an id of another process, or
// none, means that nothing was seen.
func (f *feed) position(id string) uint64 {
	epoch, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || epoch != f.epoch {
		return 0
	}
	return n
}

// events is the stream of one tab. It ends with the server, with the tab, and
// with a tab that does not read.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		s.refuse(w, r, http.StatusServiceUnavailable, "Too many tabs", "Close some tabs of grind; this one connects by itself.")
		return
	}
	unitID := r.URL.Query().Get("unit")
	seen := s.feed.position(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("last")))
	defer s.watch(unitID)()
	defer s.attend(unitID)()

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	out := endless(w)
	if send(w, out, "retry: 1000\n\n") != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		messages, more := s.feed.since(unitID, seen)
		for _, m := range messages {
			if send(w, out, fmt.Sprintf("id: %s-%d\nevent: %s\ndata: %s\n\n", s.feed.epoch, m.id, m.kind, m.data)) != nil {
				return
			}
			seen = m.id
		}
		select {
		case <-r.Context().Done():
			return
		case <-more:
		case <-beat.C:
			if send(w, out, ": still here\n\n") != nil {
				return
			}
		}
	}
}

// endless lifts the limits of an ordinary request: the time to read one would
// end a stream, for net/http takes it as a sign that the tab has gone.
func endless(w http.ResponseWriter) *http.ResponseController {
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{})  // a writer without deadlines has none to lift
	_ = out.SetWriteDeadline(time.Time{}) // likewise
	return out
}

func send(w http.ResponseWriter, out *http.ResponseController, text string) error {
	if err := out.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	if _, err := w.Write([]byte(text)); err != nil {
		return err
	}
	return out.Flush()
}

// encode renders what the server itself built, so it cannot fail but by a
// mistake in this package.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // it is read as JSON, never as HTML, and most of it is HTML
	if err := e.Encode(v); err != nil {
		panic("workbench: encode a message: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
