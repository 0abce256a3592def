// Package web is what the applications share at the HTTP edge: huma on net/http
// with problem+json, API docs that work offline, request ids, the Redis
// commands behind each request, probes, metrics, and a life with an orderly end.
//
// # When to use
//
// An application or a unit that serves an API. The workbench, which is a page
// and no API, takes only the files of web/static. Pages and streams stand beside
// the operations: see [Server.Handle].
//
//	s, err := web.New(web.Options{Title: "Books", Version: "1", Problems: []web.Kind{
//		{Name: "no-such-book", Status: 404, Title: "There is no such book", Of: books.ErrNotFound},
//	}})
//	client.AddHook(s.RedisHook())
//	s.OnClose("redis", client.Close)
//	web.Register(s, huma.Operation{Method: "GET", Path: "/books/{id}"}, api.book)
//	err = s.Run(ctx)
//
// # Design
//
// Errors: the domain knows no HTTP. Its sentinels stand in one table,
// Options.Problems, and [Register] translates what a handler returns. What
// stands in no table is logged in full and answered with the request id alone.
// huma's own way, replacing huma.NewError, is a global variable and reaches every
// server of the process; so it stays as it is, and a transformer covers what
// passes Register by. A problem's type is a path of this server, such as
// /problems/no-such-book: it is the same wherever the API runs, and it answers
// with a page that says what to do.
//
// The OpenAPI document is made once, under a lock: huma's own routes make it
// without one. Its docs page loads from a CDN, so ours takes the files of swgui
// with an index that a strict Content-Security-Policy lets live.
//
// The end of Run keeps the order that loses nothing: readiness fails, traffic
// still comes for DrainDelay, then the listener closes, requests end, workers
// end, and what was opened is closed, the last first.
//
// # Redis footprint
//
// None. [Server.RedisHook] counts what a client is asked to do, and labels it
// with the request for package trace. It counts as the client does: what
// kit/internal/pipe sends in a batch with other callers' commands travels
// without its caller's context, so it appears in the metrics and in no request.
// Below eight calls in flight, as for one person with a page, nothing is batched.
//
// # Guarantees
//
// A request that was accepted is answered, unless it outlives Options.Grace. No
// internal text is in an answer. A body, a header and the time to send them are
// bounded.
//
// # Caveats
//
// Metrics and probes are on the same port: a proxy in front keeps /metrics and
// /requests to itself. A stream has to watch [Server.Draining], or it is cut
// after Grace. HTTP/1.1 alone cannot tell a client that an idle connection is
// about to close; DrainDelay, longer than the clients' idle time or the load
// balancer's interval, is what does.
package web
