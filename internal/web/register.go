package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Register adds an operation. What the handler returns as an error becomes the
// problem that Options.Problems has for it; an error that nobody declared is
// logged and answered with 500 and the request's id. The handler's context ends
// after Options.RequestTimeout.
func Register[I, O any](s *Server, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = s.o.MaxBody
	}
	if op.BodyReadTimeout == 0 {
		op.BodyReadTimeout = s.o.BodyTimeout
	}
	if op.OperationID == "" { // as huma.Get and its like would name it
		var out *O
		op.OperationID = huma.GenerateOperationID(op.Method, op.Path, out)
	}
	if op.Summary == "" {
		var out *O
		op.Summary = huma.GenerateSummary(op.Method, op.Path, out)
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		if s.o.RequestTimeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, s.o.RequestTimeout)
			defer cancel()
		}
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.translate(ctx, err)
		}
		return out, nil
	})
}

// boundOperation bounds every body: huma leaves forms and bodies that nobody
// reads alone.
func (s *Server) boundOperation(ctx huma.Context, next func(huma.Context)) {
	limit := ctx.Operation().MaxBodyBytes
	if limit == 0 {
		limit = s.o.MaxBody
	}
	if r, w := humago.Unwrap(ctx); limit > 0 && r.Body != nil {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
	}
	next(ctx)
}
