// Package fault says what an error of a Redis client means for who made the
// call: whose fault it is, whether the command was executed, and whether another
// try can help. It is the one classification of the toolkit.
//
// # When to use
//
// Wherever code decides after an error: repeat, count, serve a fallback, report.
//
//	switch fault.In(ctx, err) {
//	case fault.None: // an answer, redis.Nil too
//	case fault.Ambiguous: // executed or not: repeat only what may run twice
//	…
//
// With the caller's context at hand use In, for an error alone does not tell
// whose deadline it was; without one use Classify. After Exec of a pipeline or
// transaction ask Cause first.
//
// # Design
//
// What the server answered is recognised by the code that its answer begins
// with, through any wrapping; everything else by type, for the texts of network
// errors are nobody's contract. Tried on Redis 7.0 with go-redis 9.23; these
// were the surprises:
//
//   - A caller's deadline, its cancel and the client's own ReadTimeout all end a
//     read as the same i/o timeout. Only the context tells them apart, and its
//     timer may fire a moment after the connection's, so In looks at the time of
//     its deadline too.
//   - A transaction that met OOM, READONLY or MASTERDOWN while it was queued
//     returns "EXECABORT … because of previous errors"; the cause stands in its
//     commands only.
//   - A full server (maxclients) says so and closes. The client may see the
//     answer, an EOF or a broken pipe, whichever comes first.
//   - NOSCRIPT, BUSYKEY and BUSYGROUP are ordinary refusals; only "BUSY " is a
//     server that stands still.
//
// Rejected: redis.Error against all others as the only distinction. It takes
// LOADING for an answer like WRONGTYPE, and a decoding error for the network.
//
// # Redis footprint
//
// None. It sends nothing.
//
// # Guarantees
//
//   - Every class was provoked on a real server, wrapped, alone and in a
//     transaction; see the tests.
//   - Unexecuted is never said of a command that ran, if it was sent at most once
//     (see the caveat).
//
// # Caveats
//
// The error is that of the last attempt. A client that repeats by itself, as
// go-redis does unless its MaxRetries is -1 or the command is a pipe.Once, may
// have lost the reply of one attempt and been refused a connection in the next:
// Unreachable, and executed all the same.
package fault
