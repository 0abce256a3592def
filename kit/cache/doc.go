// Package cache keeps values that are slow to make: in the memory of the process
// if wanted, and in Redis for all processes. What nobody has is loaded once,
// whoever asks and wherever; what is invalidated stays gone.
//
//	users, err := cache.New(client, cache.Options[int64, User]{Name: "users", TTL: 10 * time.Minute})
//	u, err := users.Fetch(ctx, id, repo.Load)
//	err = users.Invalidate(ctx, id) // after the commit
//
// # When to use
//
// For values that are read more often than they change, where an answer that is
// a moment old is right. Not as the place where data lives: Redis may lose any
// key. Not for values that must be read as of now, and not before the query has
// its index.
//
// # Design
//
// A miss is answered by a lease ([Nishtala et al., Scaling Memcache at Facebook],
// 3.2.1): a token that names one load. It keeps others from loading, and it is
// what a load needs to store its result. An invalidation removes it with the
// value, so a load that read the older row is refused; without that, the classic
// stale refill, the older value would stand for a whole TTL. A lease ends by
// itself when its process has died, and is renewed while the loader runs.
//
// In a process one flight does this for all who ask. Its context is its own: a
// caller who leaves takes nobody along. Others wait by asking again, each time
// after an eighth of what they have waited, and take over what nobody holds.
//
// A fresh value is refreshed before its end by XFetch (Vattani, Chierichetti,
// Lowenstein, VLDB 2015), from the load time that is kept with it; XFetch alone
// lets several load, so here too the lease decides. TTLs are spread by 10 %.
//
// All times are Redis's. Its clock comes with the answers of the scripts and is
// carried forward by the monotonic clock here; what this machine believes the
// time to be changes nothing.
//
// A tag has an index of its keys, and no version that reads would have to ask
// for: a hit costs one GET, tags or not. How a store and an invalidation by tag
// cannot miss each other stands in tags.go.
//
// Values in memory are not removed by key but by the epoch of their stripe: see
// local.go. What comes in behind an invalidation is dead already, by the same
// comparison that every hit makes.
//
// Rejected: a lock around the load (a stale refill is stored all the same); SET
// NX of the value (a later writer loses); versions of tags in each value (one
// more read for every hit); sets of keys for each tag (they outgrow what lives);
// publishing invalidations (lost messages are lost); the context of the caller
// for the load.
//
// # Redis footprint
//
//	<name>:{<key>}:v       string  26 bytes of header, and what the codec makes; TTL and the longer stale window
//	<name>:{<key>}:l       string  the lease, 10 bytes; LeaseTTL
//	<name>:{tag:<tag>}:i   sorted set of the keys that bear a tag; until the last of them is gone
//	<name>:{tag:<tag>}:s   string  when the tag was last invalidated; 4 × LoadTimeout + 1 min
//
// Value and lease of a key share a slot, and so do index and stamp of a tag; the
// keys of a tag may be anywhere. Redis 6.2 or newer, tested with 7.0. As a user
// of the ACL a cache named users needs ~users:*, and for Run the channel
// &__redis__:invalidate; the commands get set del getrange pttl pexpire eval
// evalsha time; for tags zadd zrem zscore zrange zscan zremrangebyscore; for
// Clear scan; for Run ping info subscribe client|id client|tracking, in a
// cluster cluster|slots.
//
// # Guarantees
//
// Each was explored over all orders of commands of two or three processes, with
// a crash and a lost reply at each: see the tests named Race.
//
//   - When Invalidate, InvalidateTag or Write has returned nil, no later call of
//     this process returns a value that was loaded before. Nor does one of another
//     process from Redis; from its memory for as long as a message takes while Run
//     works, and for Local.TTL while it does not.
//   - While nobody invalidates, writes or dies, a key is loaded by one process at
//     a time, once.
//   - A process that dies holds nobody up for longer than LeaseTTL.
//   - An error is never stored, and an error of Redis is never taken for a miss:
//     what is loaded without Redis is not stored.
//   - An outage of Redis costs a few reads RedisTimeout, then one read a second;
//     the origin gets OriginLimit loads at once.
//   - The index of a tag holds no more keys than were stored within the longest
//     TTL.
//
// What does not hold: a failover may bring back a value whose invalidation the
// new primary never got; it stands for its TTL. Two clusters of one name know
// nothing of each other.
//
// # Caveats
//
//   - Writers must invalidate after the commit. Before it, a reader loads the
//     older row again, rightly.
//   - A loader that reads from a replica of the database may read what is older
//     than an invalidation: say so by ReplicaLag.
//   - A server that evicts may evict the index of a tag, and then InvalidateTag
//     misses keys. With tags use the policy volatile-ttl, by which an index goes
//     after the values that it lists, or noeviction.
//   - Write is no transaction. A process that dies between the commit and the end
//     of a write that outlived its own lease leaves an older value for its TTL.
//   - The clocks of a cluster's nodes should agree within a fraction of the TTL.
//     A step of a node's clock during a load can hide an invalidation by tag from
//     that load.
//   - In a cluster failures of all nodes are counted together. While one of them is
//     away and the others answer, reads of its keys cost RedisTimeout each.
//   - Run hears of leases too: with many processes that have a memory, each load
//     tells all of them of two or three keys.
//   - While Redis is asked for a hit, a caller's cancel is noticed after at most
//     RedisTimeout, where its deadline is not nearer: thousands of reads share one
//     timer.
//   - Values from memory are shared: do not change what they point to.
//   - A loader that heeds no context is left behind at LoadTimeout, and goes on.
//     A refresh in the background ends with its load; nothing waits for it.
//
// [Nishtala et al., Scaling Memcache at Facebook]: https://www.usenix.org/conference/nsdi13/technical-sessions/presentation/nishtala
package cache
