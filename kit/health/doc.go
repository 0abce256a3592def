// Package health answers the three questions that an orchestrator asks of a
// program: is it alive (else restart it), has it started (else wait), is it ready
// (else send it nothing).
//
// # When to use
//
// In every service behind a load balancer or under an orchestrator:
//
//	h, err := health.New(health.Options{Checks: []health.Check{
//		health.Redis(client, health.RedisOptions{}),
//		{Name: "database", Func: db.PingContext},
//	}})
//	…
//	go h.Run(ctx)
//	mux.Handle("/livez", h.Live())
//	mux.Handle("/readyz", h.Ready())
//	mux.Handle("/startupz", h.Startup())
//
// At shutdown: Drain, wait for as long as the load balancer takes to notice,
// then close the server. A worker that takes jobs from a queue needs Live only;
// nobody sends it anything.
//
// Make a check Optional if the program can do without what it checks (see kit/guard
// for how). A cache that is down must not take all instances out at once.
//
// # Design
//
// Checks run in the background, and a probe answers from what they found last. If
// the probe itself asked, a Redis that hangs would hang the probes, each probe
// of each balancer would cost a round trip, and the answer would be late when
// it matters. The price is that an answer has an age, so it says it, and what is
// too old counts as down: a check that hangs is not a check that passed.
//
// A check goes down after some failures in a row and comes up after some
// successes. Without that hysteresis one lost packet in a busy minute takes an
// instance out, and its load takes out the next.
//
// Liveness knows Heartbeats, which loops send and which carry no question. There
// is no place where a check could be given to it: a liveness probe that asks Redis
// restarts all instances when Redis is down, and their caches and connections
// have to be built again when it is back.
//
// The Redis check delivers an order instead of a PING, see Redis.
//
// The answer is plain JSON under application/json, status 200 or 503.
// application/health+json was a draft (draft-inadarei-api-health-check) that
// expired in 2022 and that no orchestrator reads; application/problem+json is for
// requests that failed, and a probe that says no has not. No error texts are in
// the answer, for they name hosts and users; they go to the log. A check's name
// and a few words are, so serve the probes where only the orchestrator reaches.
//
// Rejected: a registry of checks that packages add themselves to (nobody could
// tell what readiness depends on); one endpoint for all three questions.
//
// # Redis footprint
//
// Of the check that Redis makes: key <prefix>:{random}:value, removed at the end
// of each, 120 bytes, and with RedisOptions.Stream <prefix>:{random}:stream, one
// entry, 4.8 KB (MEMORY USAGE on Redis 7.0), both with a TTL of a minute. Least
// version 6.2 (GETDEL). Commands: SET, GETDEL; for Stream MULTI, XADD, PEXPIRE,
// XREVRANGE, EXEC; for PubSub SUBSCRIBE, PUBLISH.
//
// # Guarantees
//
//   - A probe never waits for a check, and asks nobody.
//   - Ready only while each check that counts is up by a result younger than
//     MaxAge, Run runs, and Drain was not called.
//   - With the defaults readiness is back within 2 s after what it depends on, and
//     the time that the client takes to connect again; tested up to 5 s with a
//     server that was paused and one that was killed.
//   - A check that panics, hangs, or answers late is one that failed.
//   - No error text of a check reaches an answer.
//
// # Caveats
//
// The client's contexts must count (ContextTimeoutEnabled, which kit/connect
// sets), else a check on a server that hangs ends with the client's ReadTimeout:
// it fails all the same, and later. With go-redis's default of five dials for a
// connection (DialerRetries) a server that refuses them, or is loading, may be
// told as "unreachable" when the time limit comes first; kit/connect sets one.
//
// The check uses the client's pool for single commands. Pipelines have another,
// which is not looked at unless RedisOptions.Stream is set.
//
// Kubernetes counts failures too (failureThreshold): its count and Options.Down
// multiply. Let one of them be 1.
package health
