// Package outbox invalidates cached values when a SQL transaction has committed:
// always when it did, never when it did not.
//
// # When to use
//
// Wherever rows that a cache holds are changed in a transaction. Invalidating
// before the commit lets a reader cache the old row again; doing it after the
// commit in plain code loses it when the process dies between the two, and then
// the old value is served for its whole time to live.
//
//	box, err := outbox.New(db, outbox.Options{Dialect: outbox.Postgres})
//	users, err := outbox.Bind(box, "users", userCache)
//	go box.Run(ctx)
//
//	err = box.InTx(ctx, nil, func(tx *sql.Tx, b *outbox.Batch) error {
//		if _, err := tx.ExecContext(ctx, "UPDATE users SET name = $1 WHERE id = $2", name, id); err != nil {
//			return err
//		}
//		return users.Invalidate(ctx, b, id)
//	})
//
// Not where a value may be old until its time to live ends, and not instead of a
// short one: this makes invalidation certain, not immediate in every case.
//
// # Design
//
// The outbox pattern: what is to be invalidated is written to a table in the same
// transaction, so it is there if and only if the change is. After the commit the
// process that made it invalidates at once, from memory, and deletes the rows. When
// it dies in between, or Redis does not answer, the relay of any process (Run)
// finds the rows and does it. On PostgreSQL relays lock what they read, and skip
// what another has locked; on SQLite two relays may do the same work, which is
// harmless: invalidating twice costs a reload.
//
// Rows are told apart by the cache's name, and a relay touches those of caches that
// are bound to its Outbox alone. So programs may share a table.
//
// Rejected: triggers and a change stream (know tables, not keys of a cache);
// LISTEN and NOTIFY (lost when nobody listens); unique rows for each key, which
// would bound the table better and make transactions wait for each other, or
// deadlock, that have no more in common than a cached value.
//
// # SQL footprint
//
// One table, of which Schema returns the definition for a migration: two or three
// hundred bytes a row, normally empty. PostgreSQL 10 or later; SQLite 3.42 or
// later. No key in Redis but those of the cache.
//
// # Guarantees
//
//   - After a commit each key and tag is invalidated at least once, if a relay runs
//     and a row's time (KeepFor) is not over: after kill -9 at any point, too.
//   - After a rollback nothing is.
//   - From the commit to the invalidation readers may get the old value: for the
//     time that takes if all goes well, for at most Grace + Every and the relay's
//     work if the process died, for as long as Redis does not answer otherwise.
//   - The table is bounded: rows go when they are delivered, and undelivered when
//     they are older than KeepFor, for then the cached values have expired.
//
// # Caveats
//
// No order is kept, and none is needed: invalidating removes. Keys are stored as
// JSON; rows whose key cannot be read back, after its type was changed, are dropped
// and logged.
package outbox
