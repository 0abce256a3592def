// Package track hears from Redis which keys have changed, so that a cache in
// the process can forget them: CLIENT TRACKING in broadcasting mode, on one
// server, behind Sentinel or in a cluster.
//
// # When to use
//
// Under a cache in the memory of the process (L1) whose entries are copies of
// what is in Redis. Not as a message bus: it tells which keys may have changed,
// never how, by whom, how often or in which order.
//
//	t, err := track.New(client, track.Options{Prefix: "users:", OnKeys: l1.Forget, OnReset: l1.ForgetAll})
//	…
//	err = t.Run(ctx)
//
// An entry is filled from a read that may be older than a push which came
// meanwhile. So OnKeys and OnReset count up an epoch as well, and
//
//	epoch := l1.Epoch(key)         // before the GET is sent
//	value := redis.Get(key)
//	l1.PutIf(key, value, epoch)    // only if no push and no reset came since
//
// Without this guard what a slow reader puts stays: see the model in the tests.
// What Live means for it: while it is true, no entry is older than Check. While
// it is false, nothing but the entry's own TTL bounds how old it is.
//
// # Design
//
// Redis pushes the names of changed keys to a connection that asked for it. In
// broadcasting mode the server remembers no reads, only prefixes, so what it
// keeps for a tracker does not grow with the cache; the price is that it also
// tells of keys that nobody holds. In RESP3 the pushes would come between
// replies, on any connection of a pool; go-redis has that as an experiment for
// single servers. Here a connection of RESP2 redirects its pushes to itself and
// subscribes to the channel __redis__:invalidate, which works everywhere.
//
// The connections are our own, made by the dialer, the user and the password of
// the client's options: its TLS is in that dialer, and so is the question to the
// Sentinels who the master is. Hooks of the client do not see them. What go-redis
// would do by itself about a broken subscription is switched off, since nobody
// would learn of it: a session is one connection, and its end is a reset.
//
// The topology is asked for through the client, as its reads go the same way. In
// a cluster that is who serves which slots. Otherwise it is the server's run_id:
// Sentinels have a master of several addresses behind one client, and a
// connection to the old one may outlive a failover.
//
// Liveness is proved, not assumed: PING on the subscribed connection itself.
// Redis writes pushes before the replies to later commands, so the answer says
// that all which was acknowledged before the question has arrived. A server that
// is dead, paused, or behind a connection that swallows packets gives none; nor
// does one whose pushes OnKeys is too slow for. Then the connection is given up:
// after a reset what was in it does not matter.
//
// Rejected: keyspace notifications (off by default, silent about failures),
// PUBLISH by the writers (who must then all be ours, and misses expiry and
// eviction), tracking per read (the server's table grows with the cache).
//
// # Redis footprint
//
// No keys. To each master one connection, in the state of a subscriber. At each
// connect, after the client's own introduction, 3 round trips and outside a
// cluster one more: CLIENT ID, CLIENT TRACKING, SUBSCRIBE; INFO server. Then two
// PING per Check. Through the client once per Check: INFO server, in a cluster
// CLUSTER SLOTS twice (one is go-redis's). On the server a write costs O(p) for
// p distinct prefixes of all trackers, so trackers with few prefixes are cheap.
//
// Redis 6.0 or newer; tested with 7.0. Permissions: what the client needs to
// connect, and ping, info, subscribe,
// client|id, client|tracking and the channel &__redis__:invalidate; in a cluster
// cluster|slots instead of info; client|setname if the client has a name. No
// keys: a user hears of all keys of a prefix, whatever it may read.
//
// Goroutines while Run runs: one, and two for each master.
//
// # Guarantees
//
//   - While Live is true, every write that Redis acknowledged more than Check
//     ago, by anyone, and every expiry and eviction by then, has been told.
//   - Whenever Live was false, OnReset is called before it is true again. When a
//     connection ends, OnReset is called at once; at latest when it was silent
//     for Check.
//   - OnReset is called after each subscription is confirmed, before any key of
//     it; at FLUSHALL and FLUSHDB of any database; when masters come, go or
//     exchange slots.
//   - A master that is promoted or added is noticed within Check of when the
//     client's own picture changes. Until then Live is true in the old one: what
//     is read from the new master in this time is dropped by the reset that
//     follows.
//
// # Caveats
//
// Reads from replicas can be older than a push; New refuses a cluster client
// that does so, and cannot see it in a client of Sentinels with ReplicaOnly.
//
// A reader on the wrong side of a partition reads what its master says, and its
// tracker listens there too: that master's writes are what is told.
//
// A proxy that spreads one connection over several servers refuses CLIENT
// TRACKING, which is ErrUnsupported, or cuts the connection, which looks like a
// server that is down: Live stays false. A server that hides its run_id is
// ErrUnsupported.
//
// A change may be told more than once, and by a prefix that covers helper keys
// (such as leases beside values) those are told as well: give what is cached a
// prefix of its own.
package track
