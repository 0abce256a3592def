// Package writebehind accepts writes in Redis and brings them to a database later:
// in batches, several writes of a key as one, and none of them lost.
//
// # When to use
//
// Where writes come in bursts or hit the same keys again and again (counters,
// positions, settings, presence), the database cannot keep up with each of them,
// and it may be some hundred milliseconds behind. The last value of a key is what
// counts: those in between may never reach the database.
//
// Not where each write matters by itself (payments, an audit log: a stream or a
// queue keeps all), where the database has to refuse a write while its caller
// waits (a balance, a unique name: write through), or where Redis keeps no
// append-only file.
//
//	w, err := writebehind.New(client, writebehind.Options[int64, Profile]{
//		Prefix: "profiles-wb", Sink: repo.SaveMany, Invalidator: profiles,
//	})
//	go w.Run(ctx)
//	err = w.Put(ctx, id, profile)
//	p, err := profiles.Fetch(ctx, id, w.Loader(repo.Load)) // profiles is a cache
//
// # The sink
//
// It writes a batch and returns nil, or a *PartialError when it knows which writes
// failed, or any other error when it does not; then they are tried one by one. It
// gets a write at least once, so it must be able to get it twice, and it must keep
// the version beside the value, for one reason: a worker that stood still (a
// pause of its process or its machine) may write late, after another took over its
// shard and wrote something newer. Only the database can refuse that:
//
//	INSERT INTO items (key, value, version) VALUES ($1, $2, $3)
//	ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version
//	WHERE items.version < excluded.version
//
// A deleted key needs its version too: set a column deleted, and remove such rows
// after a day. With a plain DELETE a late write would bring the row back.
//
// # Design
//
// Keys are divided into shards. A Put is one script that replaces the pending
// value of its key, or queues the key, and gives the write a version. A worker
// leases a shard, reads what is due, oldest first, hands it to the sink, and
// acknowledges: that removes a pending value if its version is still the one that
// was written. A newer one stays, and is due again. Nothing is ever taken out
// before it is written, so what a worker held when it died is simply still there.
//
// The queue is a sorted set by due time, and not a stream: a stream keeps every
// write, where we want the last of each key, and knows neither delays nor
// back-off. There is no claim of single entries, because order within a key asks
// for one worker at a time anyway, and one lease for a shard costs less.
//
// A write that fails is put off with a growing, jittered delay, and from then on
// is tried alone, so it spoils no batch twice. It becomes a dead letter after
// MaxAttempts failures that were its own: the sink wrote something else in
// between. While the database is down nothing dies; a few writes of a shard are
// tried now and then, until one succeeds.
//
// A later write of a key never waits for a dead letter of the same key. It takes
// its place, as it would have taken that of a pending write. So a dead letter is
// always the newest write of its key, and may be requeued at any time without
// breaking the order.
//
// Versions are microseconds of Redis's clock, or one more than the last where that
// is larger: they go on growing after Redis lost its data, where a counter that
// begins at 1 would have every write refused by a database that remembers.
//
// Rejected: sending a Put again by itself when its reply was lost. Between the two
// another process may write the key, and the older value would win over one that
// was acknowledged. The caller knows what the second write is worth. Also
// rejected: giving up the order by letting workers take single keys; and buffering
// in the process, which is fast and loses it all with the process.
//
// # Redis footprint
//
// For each shard n six keys in one slot: <prefix>:{n}:pending (hash: key to
// version, failures and value), :due and :since (sorted sets: key by time), :dead
// (hash), :meta (hash: last version and counters), :owner (string, the lease);
// and <prefix>:{shards}:count, a string. Only the lease has a time to live. A
// pending key of ten characters takes about 360 bytes besides its value (Redis 7.0).
// Redis 6.2 or later; works in a cluster, where shards lie on all nodes.
//
// # Guarantees
//
//   - A write whose Put or Delete returned nil, or ErrNotInvalidated, reaches the
//     sink at least once, unless a newer one of its key does: after kill -9 of any
//     process at any step, and after a restart of Redis with its append-only file.
//   - For each key the sink gets versions in order; with the version column the
//     database keeps them in order also when a worker writes late.
//   - From the return of a Put on, a Loader answers with its value or a newer one,
//     until the value is a dead letter.
//   - A write that fails holds up no other for longer than one batch.
//   - Pending keys and dead letters together never exceed MaxPending.
//   - A node of a cluster that is down holds up its own shards and no others.
//
// What does not hold: a failover loses what the replica had not received; a crash
// of the machine loses what the append-only file had not synced (a second, with
// everysec). And Redis must not evict: an allkeys policy removes pending writes
// like any other key.
//
// # Caveats
//
// Readers that do not use a Loader see old values until the flush, and can leave
// one in a cache until the flush invalidates it. A Loader that reads from a
// lagging replica of the database may cache a value from before the flush.
//
// A database that changes the same rows in other ways must leave the version
// alone, and its changes are overwritten by what is pending.
package writebehind
