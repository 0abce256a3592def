package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Kind is a problem that clients can tell from others by its type.
type Kind struct {
	Name   string // last part of its type: letters, digits and hyphens; never changes
	Status int    // from 400 to 599
	Title  string // the same for every occurrence
	Help   string // what it means and what a client can do; shown at its address

	// Of is the error of the domain that stands for it, matched by errors.Is. Nil
	// is none: then only Errorf makes one.
	Of error
}

// Type is the URI of the kind: a path, the same wherever the API is served.
func (k Kind) Type() string { return "/problems/" + k.Name }

// Errorf is an occurrence with a detail for the client. What an error of the
// domain says is never shown; this is.
func (k Kind) Errorf(format string, args ...any) error {
	return k.problem(fmt.Sprintf(format, args...))
}

func (k Kind) problem(detail string) *problemError {
	return &problemError{ErrorModel: huma.ErrorModel{Type: k.Type(), Title: k.Title, Status: k.Status, Detail: detail}}
}

// problemError is the body of an answer that is no success, as RFC 9457 has it.
type problemError struct {
	huma.ErrorModel
	// RequestID finds the occurrence in the logs.
	RequestID string `json:"request_id,omitempty"`
}

// plainProblem is one that its status says all about.
func plainProblem(ctx context.Context, status int, detail string) *problemError {
	return &problemError{huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}, RequestID(ctx)}
}

// The kinds of this package.
var (
	kindInvalid  = Kind{Name: "invalid-request", Status: 422, Title: "The request is not valid", Help: "Each entry of errors names a place in the request and what is wrong there. The status is 400 where the body cannot be read at all."}
	kindCursor   = Kind{Name: "invalid-cursor", Status: 400, Title: "The cursor is not one of ours", Help: "Pass on a cursor as you got it, to the operation that gave it, or begin without one.", Of: ErrCursor}
	kindTimeout  = Kind{Name: "took-too-long", Status: 503, Title: "The answer took too long", Help: "The server gave up. Whether the work was done is not known; try again later if it may be repeated."}
	kindStarting = Kind{Name: "not-ready", Status: 503, Title: "The server is starting", Help: "Nothing was done. Try again after the seconds in Retry-After."}
	kindInternal = Kind{Name: "internal-error", Status: 500, Title: "Something went wrong here", Help: "The fault is the server's. Its log has the cause under the request_id of the answer."}
)

func ownKinds() []Kind {
	return []Kind{kindInvalid, kindCursor, kindTimeout, kindStarting, kindInternal}
}

var kindName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func checkKinds(kinds []Kind) error {
	seen := map[string]bool{}
	for _, k := range kinds {
		switch {
		case !kindName.MatchString(k.Name):
			return fmt.Errorf("web: Options.Problems: Name must be words of a-z and 0-9 joined by hyphens, got %q", k.Name)
		case seen[k.Name]:
			return fmt.Errorf("web: Options.Problems: Name must be there once, got %q again", k.Name)
		case k.Status < 400 || k.Status > 599:
			return fmt.Errorf("web: Options.Problems: Status of %s must be from 400 to 599, got %d", k.Name, k.Status)
		case k.Title == "":
			return fmt.Errorf("web: Options.Problems: Title of %s must not be empty", k.Name)
		}
		seen[k.Name] = true
	}
	return nil
}

// translate turns what a handler returned into what a client may read, and logs
// what it may not.
func (s *Server) translate(ctx context.Context, err error) error {
	if _, ok := errors.AsType[huma.StatusError](err); ok {
		return err
	}
	for _, k := range s.kinds {
		if k.Of != nil && errors.Is(err, k.Of) {
			return k.problem("")
		}
	}
	switch {
	case errors.Is(err, context.Canceled) && errors.Is(ctx.Err(), context.Canceled):
		return &problemError{ErrorModel: huma.ErrorModel{Status: statusGone, Title: "The client is gone"}} // nobody reads it
	case errors.Is(err, context.DeadlineExceeded):
		s.log.WarnContext(ctx, "the handler took too long", "error", err)
		return kindTimeout.problem("")
	}
	s.log.ErrorContext(ctx, "the handler failed", "error", err)
	return kindInternal.problem(internalDetail)
}

// statusGone is what logs and metrics show for a client that did not wait, as
// others do.
const statusGone = 499

const internalDetail = "If you tell somebody about it, add the request_id."

// Fail answers a request of a plain handler with the problem that stands for the
// error, as Register does for operations.
func (s *Server) Fail(w http.ResponseWriter, r *http.Request, err error) {
	err = s.translate(r.Context(), err)
	if with, ok := errors.AsType[huma.HeadersError](err); ok {
		for name, values := range with.GetHeaders() {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
	}
	status, _ := errors.AsType[huma.StatusError](err) // translate made it one
	body, _ := s.cleaned(r.Context(), status)
	writeProblem(w, status.GetStatus(), body)
}

func writeProblem(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // a status error of the application that cannot be written
		status, text = http.StatusInternalServerError, []byte(`{"status":500,"title":"Internal Server Error"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("Content-Length")
	w.WriteHeader(status)
	w.Write(append(text, '\n'))
}

// clean is the transformer that every answer of huma passes.
func (s *Server) clean(ctx huma.Context, _ string, v any) (any, error) {
	if body, changed := s.cleaned(ctx.Context(), v); changed {
		ctx.SetHeader("Cache-Control", "no-store")
		return body, nil
	}
	return v, nil
}

// cleaned completes a problem and takes out what is internal.
func (s *Server) cleaned(ctx context.Context, v any) (any, bool) {
	switch p := v.(type) {
	case *problemError:
		c := *p
		c.RequestID = RequestID(ctx)
		return &c, true
	case *huma.ErrorModel:
		c := problemError{ErrorModel: *p, RequestID: RequestID(ctx)}
		switch {
		case p.Status >= http.StatusInternalServerError:
			s.log.ErrorContext(ctx, "the handler failed", "error", p.Detail, "causes", causes(p.Errors))
			c.Errors = nil
			if p.Status == http.StatusInternalServerError {
				c.Type, c.Title, c.Detail = kindInternal.Type(), kindInternal.Title, internalDetail
			}
		case p.Type == "" && len(p.Errors) > 0 && (p.Status == 400 || p.Status == kindInvalid.Status):
			c.Type, c.Title, c.Errors = kindInvalid.Type(), kindInvalid.Title, short(p.Errors)
		}
		return &c, true
	}
	return v, false
}

func causes(details []*huma.ErrorDetail) string {
	var all []string
	for _, d := range details {
		if d != nil {
			all = append(all, d.Error())
		}
	}
	return strings.Join(all, "; ")
}

// short drops the values that would send a whole body back.
func short(details []*huma.ErrorDetail) []*huma.ErrorDetail {
	out := make([]*huma.ErrorDetail, 0, len(details))
	for _, d := range details {
		if d == nil {
			continue
		}
		c := *d
		switch v := c.Value.(type) {
		case nil, bool, float64, int, int64:
		case string:
			if len(v) > maxValue {
				c.Value = nil
			}
		default:
			c.Value = nil
		}
		out = append(out, &c)
	}
	return out
}

// maxValue is how much of a wrong value an answer repeats, in bytes.
const maxValue = 120

// describeProblem has the document show problems as they are sent.
func describeProblem(schemas huma.Registry) {
	schemas.Schema(reflect.TypeFor[huma.ErrorModel](), true, "")
	p := schemas.Map()["ErrorModel"]
	p.Properties["type"].Format = "uri-reference"
	p.Properties["request_id"] = &huma.Schema{Type: huma.TypeString, Description: "Finds this occurrence in the logs."}
}
