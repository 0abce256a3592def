package httpcache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// recorder is the http.ResponseWriter of a handler that runs for the cache. It
// keeps the response until that is whole. When it turns out that it will not be
// stored, it passes what it has, and all that follows, to the client; or, when
// that one is answered already, ends the handler's context and forgets.
type recorder struct {
	call    *call
	header  http.Header // the handler's
	began   time.Time
	cancel  context.CancelFunc // ends the handler's context
	decided chan struct{}      // closed when the response is passed on, forgotten or whole
	done    chan struct{}      // closed when the handler has ended

	// The handler's goroutine and the end of the load both decide, under the lock.
	// The rest is the handler's goroutine's, until the response is whole.
	mu      sync.Mutex
	mode    mode
	verdict verdict

	head   http.Header // as it was when it was written; nil before
	status int
	sent   bool // passing: the head is with the client
	body   []byte
	died   any // what the handler panicked with
}

// mode is what a recorder does with what is written.
type mode int

const (
	keeping mode = iota
	passing
	forgetting
	whole // the handler has ended, and all is kept
)

// errForgotten is what a handler gets that writes for nobody.
var errForgotten = errors.New("httpcache: nobody waits for this response any longer")

// record runs the handler in a goroutine of its own, which is what lets its
// response outlive a client that leaves, and the load that began it. It ends
// with the handler.
func (l *call) record(ctx context.Context) *recorder {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	rec := &recorder{
		call:    l,
		header:  http.Header{},
		began:   time.Now(),
		cancel:  cancel,
		decided: make(chan struct{}),
		done:    make(chan struct{}),
	}
	request := l.request.WithContext(ctx)
	request.Method = http.MethodGet // HEAD is answered from what GET gives
	request.Header = request.Header.Clone()
	withoutConditions(request.Header)
	request.Body = http.NoBody
	go rec.run(request)
	return rec
}

// run serves the request.
func (rec *recorder) run(r *http.Request) {
	defer close(rec.done)
	defer rec.cancel()
	returned := false
	defer func() { rec.end(returned, recover()) }()
	rec.call.next.ServeHTTP(rec, r)
	returned = true
}

// end notes how the handler ended: it returned, or panicked, or neither.
func (rec *recorder) end(returned bool, died any) {
	if !returned && died == nil {
		died = http.ErrAbortHandler // runtime.Goexit
	}
	if died != nil && died != any(http.ErrAbortHandler) {
		rec.call.cache.options.Logger.Error("httpcache: the handler panicked",
			"url", rec.call.target.url, "panic", died, "stack", string(debug.Stack()))
	}
	rec.died = died
	if died == nil {
		rec.WriteHeader(http.StatusOK) // if it wrote nothing
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	switch rec.mode {
	case passing:
		maps.Copy(rec.call.w.Header(), rec.header) // trailers
	case keeping:
		rec.mode = whole
		rec.inspect()
		close(rec.decided)
	}
}

// inspect looks at a response that has ended, for what its head did not say.
func (rec *recorder) inspect() {
	if length := rec.head["Content-Length"]; length != nil && length[0] != strconv.Itoa(len(rec.body)) {
		rec.verdict.reason = isTruncated
	}
	for name := range rec.header {
		if strings.HasPrefix(name, http.TrailerPrefix) && rec.verdict.reason == storable {
			rec.verdict.reason = isStream
		}
	}
}

// Header is the handler's; what is in it when the head is written is the
// response's.
func (rec *recorder) Header() http.Header { return rec.header }

// WriteHeader decides, by the head, whether the response is kept.
func (rec *recorder) WriteHeader(status int) {
	if rec.head != nil {
		return
	}
	if status < http.StatusOK {
		if rec.state() == passing { // else it is a hint, for whose sake nothing is passed on
			copyHeader(rec.call.w.Header(), rec.header)
			rec.call.w.WriteHeader(status)
		}
		return
	}
	head := rec.header.Clone()
	verdict := rec.call.judge(status, head, time.Now())
	rec.mu.Lock()
	rec.status, rec.head = status, head
	if rec.mode == keeping {
		rec.verdict = verdict
	}
	if reason := verdict.reason; reason != storable && reason != failedStatus {
		rec.pass(reason)
	}
	rec.mu.Unlock()
	rec.send()
}

// Write keeps or passes on a part of the body.
func (rec *recorder) Write(b []byte) (int, error) {
	rec.WriteHeader(http.StatusOK)
	switch mode, err := rec.take(b); {
	case err != nil:
		return 0, err
	case mode == passing:
		rec.send()
		if rec.call.request.Method != http.MethodHead { // to the handler this is a GET
			return rec.call.w.Write(b)
		}
	}
	return len(b), nil
}

// take keeps a part of the body, if it is to be kept.
func (rec *recorder) take(b []byte) (mode, error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if len(rec.body)+len(b) > rec.call.cache.options.MaxBytes {
		rec.pass(isLarge)
	}
	switch {
	case rec.mode == forgetting:
		return rec.mode, errForgotten
	case rec.mode == keeping && rec.status == http.StatusNoContent:
		return rec.mode, http.ErrBodyNotAllowed
	case rec.mode == keeping:
		rec.body = append(rec.body, b...)
	}
	return rec.mode, nil
}

// state is what becomes of what is written, as things stand.
func (rec *recorder) state() mode {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.mode
}

// pass gives the response to the client as it comes, from the handler's next
// step on. The caller holds the lock.
func (rec *recorder) pass(why reason) {
	if rec.mode != keeping {
		return
	}
	defer close(rec.decided)
	rec.verdict.reason = why
	if rec.call.claim(rec) {
		rec.mode = passing
		context.AfterFunc(rec.call.request.Context(), rec.cancel) // it is the client's alone now
		return
	}
	rec.mode, rec.body = forgetting, nil
	rec.cancel()
}

// send brings what was kept to the client, once it is that one's. Like all that
// writes to a client, it holds no lock: clients may be slow.
func (rec *recorder) send() {
	if rec.sent || rec.state() != passing {
		return
	}
	rec.sent = true
	rec.call.replay(rec)
	rec.body = nil
	if rec.call.request.Method == http.MethodHead {
		rec.cancel() // a stream would have no end
	}
}

// giveUp ends the keeping of a response that takes too long.
func (rec *recorder) giveUp() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.pass(isSlow)
}

// decide waits until it is known what becomes of the response.
func (rec *recorder) decide(within time.Duration) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-rec.decided:
	case <-timer.C:
		rec.giveUp()
	}
}

// await is for the client's goroutine: it waits for the end of a handler whose
// response was passed on, and ends as that did.
func (rec *recorder) await() {
	<-rec.done
	if rec.died != nil && !(rec.sent && rec.call.request.Method == http.MethodHead) {
		panic(rec.died)
	}
}

// failure is what the handler did wrong, if it did. It is asked when the
// response is whole.
func (rec *recorder) failure() error {
	switch {
	case rec.died != nil:
		return fmt.Errorf("httpcache: the handler panicked: %v", rec.died)
	case rec.verdict.reason == failedStatus:
		return fmt.Errorf("httpcache: the handler answered %d", rec.status)
	case rec.verdict.reason == isTruncated:
		return fmt.Errorf("httpcache: the handler announced %s bytes and wrote %d", rec.head.Get("Content-Length"), len(rec.body))
	}
	return nil
}
