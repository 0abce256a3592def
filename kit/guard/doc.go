// Package guard stands between a program and its Redis, so that a Redis that is
// slow or gone costs a request as little as possible, and gives the user what can
// be given: a circuit breaker, a bulkhead, a deadline, retries with backoff and a
// budget, and policies for what to answer instead.
//
// # When to use
//
// Around calls in the path of a request, where something can be said without
// Redis, or nothing but soon:
//
//	g, err := guard.New(guard.Options{})
//	…
//	page, err := guard.Do(ctx, g, func(ctx context.Context) (string, error) {
//		return client.Get(ctx, "page").Result()
//	}, guard.Fallback(renderPage), guard.Idempotent())
//
// Not around blocking commands, which wait on purpose, nor in background work
// that has all the time in the world: a loop with a backoff is enough there.
//
// # Design
//
// What counts is decided by the class of an error (see Class), never by err !=
// nil. Libraries that count any error open their circuit on a burst of misses, on
// users who close their browser, on one WRONGTYPE in a loop. Here an answer of
// Redis is a success whatever it says about the program; LOADING, READONLY, OOM,
// a full pool, a broken or silent connection are failures; a caller who left
// counts for neither, except that a deadline of its own that ended a long wait
// is a failure, for else a Redis that hangs would never open the circuit of a
// program with impatient callers.
//
// The order is bulkhead, circuit, deadline, operation, with the retries around
// them: each attempt asks the circuit again, so retries end when it opens.
// Retries need three permissions. The error must be one that another attempt can
// mend: Shed is not. The operation must not have run, or the caller has declared
// it Idempotent. And the budget must have one left: three attempts a call make
// three times the load in an outage, a budget makes 1.1 times.
//
// The circuit is failsafe-go's, and so are the semaphores; none of its types are
// in this API. Tried and not used of it: its executor, which counts a probe that
// its caller cancelled as a success, and without which such a probe holds its
// permit for ever; its timeout, which replaces a result that came in time for the
// command and late for the timer; its retry policy, whose budget is a share of
// what runs at the same time, so that the retries of a fast failure are never
// refused. Rejected: sony/gobreaker, which counts consecutive failures by
// default (of a thousand calls a second, a third of which fail since one of three
// masters is gone, it soon finds six failures in a row); a hook in the client,
// which would know neither what is idempotent nor what to answer.
//
// Sources: Nygard, "Release It!" (circuit, bulkhead); Brooker, "Exponential
// Backoff And Jitter" (full jitter); "Site Reliability Engineering", chapters 21
// and 22 (budgets, cascading failures); Hystrix, Finagle and Linkerd for
// defaults, each at its option.
//
// # Redis footprint
//
// None of its own; Do sends what the operation sends. In memory: a few hundred
// bytes, and the copies of Stale. A call costs 0.8 µs and 5 allocations, measured
// on two cores with BenchmarkDo.
//
// # Guarantees
//
//   - Nothing is sent while the circuit is open, or for a caller who has left.
//   - An operation that may have run is repeated only if it is Idempotent.
//   - In any ten seconds, counted in whole ones, no more is retried than
//     RetryRatio of the calls and RetryMin.
//   - While the circuit is half open at most Probes operations are under way. A
//     probe that panics or whose caller left gives its place back.
//   - After Redis is back the circuit closes within OpenFor, a fifth of it, and
//     the time of Probes calls. On a real server, with 32 callers: opened 2.1 s
//     after it was paused (the window of 2 s must turn) and 0.2 s after it was
//     killed, closed 1.0 s after it was back; half of the calls meanwhile took
//     under 3 µs.
//
// What does not hold: the circuit is this process's own. Others find out by
// themselves, which takes each as long, and needs no Redis to agree on.
//
// # Caveats
//
// Let the client repeat nothing (go-redis: MaxRetries -1): its retries multiply
// with these, know of no budget, and repeat writes; and an attempt of its own that
// ran stays hidden behind a later one that was refused, which looks unexecuted.
// Its contexts must count (ContextTimeoutEnabled), else Timeout ends nothing
// before the client's ReadTimeout. A cancel does not interrupt a read in any
// case; only deadlines do.
//
// One guard is one verdict. Where writes fail and reads work (OOM, READONLY), a
// guard for both refuses both: use two. In a cluster a guard opens when half of
// its calls fail; a third that is gone is left to the deadline and the policies.
//
// The operation's errors are taken for Redis's: a network error of another
// service, returned from within it, counts as Redis's too.
package guard
