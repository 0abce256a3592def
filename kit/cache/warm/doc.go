// Package warm fills a cache from a list of keys, at a pace that its origin can
// bear, and says when a process may take requests.
//
// # When to use
//
// Before a process takes traffic with a cold cache: after a deploy that changed
// the cache's name or schema, after Redis came back empty, before a sale. Not as a
// substitute for a single flight or a lease, which protect the origin all the time,
// and not for keys that nobody will ask for.
//
//	w, err := warm.New(products, repo.LoadMany, warm.Options[int64]{Rate: 200, Total: len(ids)})
//	go w.Run(ctx, warm.List(ids))
//	…
//	if !w.Ready() { http.Error(rw, "warming up", http.StatusServiceUnavailable) }
//
// Put the keys that matter most first.
//
// # Design
//
// Keys are fetched in batches through the cache's own FetchMany. So a key that is
// there is left alone, a newer value is never overwritten, two processes that warm
// the same keys share the work by the cache's leases, and an invalidation during a
// load counts. There is no other way into the cache, on purpose: a warmer that
// writes by itself puts back what was old before it began.
//
// The rate is of keys that reach the origin. A batch pays for all its keys before
// it is fetched, and what was already in the cache is credited to the next one: so
// a cache that is warm already is passed at full speed, and the origin never sees
// more than the rate. Waiting happens before the cache is asked, never in its
// loader, where it would hold leases that readers wait for.
//
// # Redis footprint
//
// None of its own; see the cache.
//
// # Guarantees
//
//   - The origin gets at most Rate keys a second, but for a burst of one batch, and
//     one more for each of Concurrency, at most Concurrency batches at the same time.
//   - A batch that fails is counted and does not stop the others.
//   - Ready becomes true when its share is done, when ReadyAfter is over, or when Run
//     ends in any way: a broken origin does not keep a process from serving.
//   - Every key before Progress.Cursor was dealt with: a Run that goes on there
//     leaves nothing out.
//
// # Caveats
//
// Keys that failed count as dealt with. What expires while the rest is still being
// warmed is cold again: let the time to live be longer than the warming.
package warm
