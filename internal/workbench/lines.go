package workbench

import (
	"net/http"
	"sync"
	"time"
)

// lines answers a module piece by piece, one JSON object a line. It is for what
// takes its time: an exploration, a blocking command, a subscription.
type lines struct {
	mu  sync.Mutex
	w   http.ResponseWriter
	out *http.ResponseController
}

func newLines(w http.ResponseWriter) *lines {
	w.Header().Set("Content-Type", "application/x-ndjson")
	return &lines{w: w, out: endless(w)}
}

// parts sends pieces of the page. An error means that nobody reads them.
func (l *lines) parts(p ...part) error { return l.send(map[string]any{"parts": p}) }

// fail sends a sentence.
func (l *lines) fail(err error) error {
	return l.send(map[string]string{"error": plainSentence(err)})
}

func (l *lines) send(v any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return send(l.w, l.out, string(encode(v))+"\n")
}

// close gives the end of the answer its time; the deadline of the last line may
// have gone by.
func (l *lines) close() {
	_ = l.out.SetWriteDeadline(time.Now().Add(writeLimit)) // a writer without deadlines has none to set
}
