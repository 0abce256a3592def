package project

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

// App is one instance of the application.
type App struct {
	// Number counts from 1; messages name an instance by it.
	Number int
	// URL is where it listens.
	URL string

	http     *http.Client
	answered func(*Answer) // is told of every answer
}

// AnswerLimit is the longest time of a request: who waits longer has left.
const AnswerLimit = 10 * time.Second

// maxBody bounds what is read of an answer, in bytes.
const maxBody = 4 << 20

func newApp(number int, url string) *App {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // it is on this machine
	transport.MaxIdleConnsPerHost = 256
	transport.IdleConnTimeout = 2 * time.Second // before the servers of frameworks hang up
	return &App{Number: number, URL: strings.TrimRight(url, "/"), http: &http.Client{Transport: transport, Timeout: AnswerLimit}}
}

// String names the instance: "instance 1".
func (a *App) String() string { return fmt.Sprintf("instance %d", a.Number) }

// Answer is what an instance answered.
type Answer struct {
	Request string // GET /products/7
	Sent    string // the document, as JSON; empty if there was none
	Status  int
	Header  http.Header
	Body    []byte
	Took    time.Duration
	// Err says that there was no whole answer: not reachable, cut off, too late.
	// Then Status is 0.
	Err error
}

// Get asks for a path.
func (a *App) Get(ctx context.Context, path string) *Answer {
	return a.Do(ctx, http.MethodGet, path, nil, nil)
}

// Put sends a JSON document.
func (a *App) Put(ctx context.Context, path string, document any) *Answer {
	return a.Do(ctx, http.MethodPut, path, document, nil)
}

// Do sends a request; a document is sent as JSON unless it is nil.
func (a *App) Do(ctx context.Context, method, path string, document any, header http.Header) *Answer {
	answer := &Answer{Request: method + " " + path}
	begun := time.Now()
	answer.Err = a.do(ctx, answer, method, path, document, header)
	answer.Took = time.Since(begun)
	if answer.Err != nil {
		answer.Status = 0
	}
	if a.answered != nil {
		a.answered(answer)
	}
	return answer
}

func (a *App) do(ctx context.Context, answer *Answer, method, path string, document any, header http.Header) error {
	var body io.Reader
	if document != nil {
		text, err := json.Marshal(document)
		if err != nil {
			return err
		}
		body, answer.Sent = bytes.NewReader(text), string(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.URL+path, body)
	if err != nil {
		return err
	}
	maps.Copy(request.Header, header)
	if document != nil && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := a.http.Do(request)
	if err != nil {
		return plain(err)
	}
	defer response.Body.Close()
	answer.Status, answer.Header = response.StatusCode, response.Header
	answer.Body, err = io.ReadAll(io.LimitReader(response.Body, maxBody))
	return plain(err)
}

// plain says in a person's words what net/http says in its own.
func plain(err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("no answer within %v", AnswerLimit)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection was closed before the answer was whole")
	}
	return err
}

// asked is the request with what was sent, for messages.
func (a *Answer) asked() string { return strings.TrimSpace(a.Request + " " + a.Sent) }

// Is reports whether the answer has this status, and if not, what it is instead.
func (a *Answer) Is(status int) (complaint string) {
	switch {
	case a.Err != nil:
		return fmt.Sprintf("%s: got no answer, want %d: %v", a.asked(), status, a.Err)
	case a.Status != status:
		return fmt.Sprintf("%s: got %d, want %d%s", a.asked(), a.Status, status, a.excerpt())
	}
	return ""
}

// JSON reads the body into v.
func (a *Answer) JSON(v any) (complaint string) {
	if err := json.Unmarshal(a.Body, v); err != nil {
		return fmt.Sprintf("%s: the body is not the JSON of the contract: %v%s", a.Request, err, a.excerpt())
	}
	return ""
}

// IsProblem reports whether the answer is an error of that status as RFC 9457
// wants it, and if not, what is wrong.
func (a *Answer) IsProblem(status int) (complaint string) {
	if complaint := a.Is(status); complaint != "" {
		return complaint
	}
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) != "application/problem+json" {
		return fmt.Sprintf("%s: an error of type %q, want application/problem+json", a.Request, a.Header.Get("Content-Type"))
	}
	var problem struct {
		Title  string
		Status int
	}
	if complaint := a.JSON(&problem); complaint != "" {
		return complaint
	}
	if problem.Status != status || problem.Title == "" {
		return fmt.Sprintf("%s: the problem wants a title and its status %d%s", a.Request, status, a.excerpt())
	}
	return ""
}

// excerpt is the beginning of the body, to be put behind a message.
func (a *Answer) excerpt() string {
	text := strings.ToValidUTF8(strings.TrimSpace(string(a.Body[:min(len(a.Body), 200)])), "")
	if text == "" {
		return ""
	}
	return "\nit said: " + text
}

// await returns when the path answers 200, or with what there was instead. p is
// the program behind the instance, nil if it is not ours.
func (a *App) await(ctx context.Context, path string, p *program) error {
	last := "it was not asked"
	for {
		answer := a.Get(ctx, path)
		if answer.Status == http.StatusOK {
			return nil
		}
		if ctx.Err() == nil {
			last = answer.Is(http.StatusOK)
		}
		if p != nil {
			if ok, how := p.running(); !ok {
				return fmt.Errorf("%v has ended by itself (%s): %w", a, how, ErrNotReady)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%v at %s: %w: %s", a, a.URL, ErrNotReady, last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
