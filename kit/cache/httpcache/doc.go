// Package httpcache answers HTTP requests from stored responses: a shared cache
// by RFC 9111, as middleware, in Redis for all processes of a program. It stores
// what responses allow, and is safe by default: what was made for one user is
// never given to another.
//
// # When to use
//
// Before GET handlers whose work is large beside a round trip to Redis, and whose
// response is the same for many, or for one user for a while:
//
//	pages, err := httpcache.New(client, httpcache.Options{Name: "shop"})
//	…
//	server.Handler = pages.Handler(mux)
//
// and in a handler
//
//	w.Header().Set("Cache-Control", "public, max-age=60, stale-while-revalidate=30")
//	w.Header().Set("Surrogate-Key", "book:7 authors")
//
// after which pages.InvalidateTag(ctx, "book:7") takes away every response with
// that book. A handler that says nothing of Cache-Control is left alone. Not for
// values inside the program: kit/cache holds those decoded.
//
// # Design
//
// Storing and finding are kit/cache's: one process loads, by a lease that an
// invalidation kills; others wait; stale responses are refreshed in the
// background. This package decides what is stored, and for whom it is.
//
// A response is stored under scheme, host, path and query in a normal form, the
// user of Options.User, and the headers that it varies on. Where responses vary,
// the key of the URL holds their names, and each response stands under a key of
// its own. Each stored response says for whom it is, and each reader compares
// again, so that a wrong key could cost a miss and nothing else. The handler is
// given the URL as the key has it: what the key leaves out, the handler cannot
// put into a response that others get.
//
// The handler runs in a goroutine of its own, and its response is kept until it
// is whole. As soon as it turns out that it will not be stored (its head says so,
// it is large, slow, flushed, or takes the connection) it goes to the client that
// asked, as it comes, and those who waited ask for themselves. For ten seconds
// nobody waits for that URL (what Varnish calls hit-for-miss), or until a
// response of it can be stored.
//
// Where RFC 9111 leaves room, less is stored:
//
//   - never a response with Set-Cookie, with 5xx, of an unknown status, with
//     trailers, or shorter than its Content-Length (3);
//   - nothing for a request with Authorization, Cookie or a client certificate,
//     unless the response says public or s-maxage, or Options.User says whose it
//     is (3.5; must-revalidate by itself is no such word here). A stored response
//     without them is not given to such a request either;
//   - private is stored for its user alone, given Options.User (5.2.2.7), private
//     and no-cache for some fields count for all (5.2.2.4), must-understand is
//     not regarded (5.2.2.3), a Cache-Control out of form is no-store;
//   - no guess at freshness without Options.Heuristic (4.2.2);
//   - of a request's Cache-Control no-store, no-cache, max-age and min-fresh are
//     obeyed, and its response then not stored; max-stale and only-if-cached are
//     not (5.2.1).
//
// In one thing it goes beyond: s-maxage forbids stale answers (5.2.2.10), but a
// response that says stale-while-revalidate or stale-if-error beside it is taken
// at its word, as content delivery networks do.
//
// Rejected: storing responses without their Set-Cookie, which logs nobody in;
// stripping headers from requests before the handler; answering ranges; ESI.
//
// Sources: RFC 9110, 9111, 5861 (stale answers), 9211 (Cache-Status); the tests of
// cache-tests.fyi; bug reports of caches that gave one user's page to another.
//
// # Redis footprint
//
// Those of kit/cache: <name>:{<key>}:v and :l, and for tags <name>:{tag:…}:i and
// :s. The key is the URL, "http://example.com/books?page=2", and where there are
// such " user=…" and " vary=…"; users, header values and URLs above 200 bytes
// are digests. A value is the response with some 150 bytes, and lives as long as
// it is fresh or of use. Responses that vary or are a user's bear a tag of their
// URL. Redis 6.2; cluster and Sentinel as kit/cache.
//
// # Guarantees
//
//   - No response goes to a user, or to headers named by Vary, other than those
//     it was made for.
//   - What is stored is whole: the handler returned, and kept its word on length.
//   - After an invalidation that was acknowledged no process answers with what
//     was made before it; with Options.Local as cache.Local says.
//   - Redis down or slow: requests are answered by the handler, and after a few
//     failures Redis costs them nothing. Failing to ask is not a miss: nothing is
//     stored, and requests of one process still wait for one another.
//   - A handler that panics panics in its client's goroutine; others who waited
//     ask for themselves. A client that leaves ends nobody's response.
//   - A process that dies while it makes a response holds others up for
//     cache.DefaultLeaseTTL at most, and leaves nothing half stored.
//
// What does not hold: a failover may bring back a response whose invalidation the
// new primary never got; it stands until it ends. A response that the handler has
// from elsewhere is aged by its Date and this process's clock: where the two
// disagree it is fresh for too long, or too short.
//
// # Caveats
//
// A handler that fails half-way must not return as if it had succeeded: panic
// with http.ErrAbortHandler, as httputil.ReverseProxy does, or set
// Content-Length. What it writes without is taken for whole.
//
// What the handler reads of a request and neither the key nor Vary says is an
// error in the handler that a cache makes worse: X-Forwarded-Host, the client's
// address, a query that DropQuery does not drop.
//
// Each different value of a header in Vary is a copy. Bring Accept-Language or
// Accept-Encoding to a few forms before the cache.
//
// The handler may run after its request has been answered, with the values of its
// context: what a framework recycles by then must not be among them. Put the cache
// before the router, and compression and what changes a response per request
// before the cache. A first byte comes when the response is whole.
//
// An unsafe request that succeeds while Redis is away leaves the old response
// until it ends: see Stats.InvalidationErrors, and kit/cache/outbox for what must
// not be missed.
package httpcache
