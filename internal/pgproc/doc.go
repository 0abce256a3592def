// Package pgproc starts a real PostgreSQL for tests and experiments, and surely
// stops it.
//
// # When to use
//
// Where SQL has to be the real thing: SKIP LOCKED, EXPLAIN, placeholders, what a
// rollback does. One server serves a whole package; Database gives each test a
// database of its own. It is the small sister of kit/redisproc.
//
// # Design
//
// A shell owns all of it. It makes a temporary directory, runs initdb there, runs
// postgres as its child, and waits at a pipe that only this process holds. The
// pipe ends with this process, in whatever way that ends: then the shell stops
// postgres, waits for it, and removes the directory. So nothing is left after
// kill -9, and no process id is ever guessed.
//
// The server listens on a socket in its directory and on no port. Only its owner
// (and root) can reach it, so it asks for no password.
//
// PostgreSQL refuses to run as root. A process of root runs shell and server as
// the user postgres, else as nobody.
//
// It does not sync to disk: the data live as long as the process. What a crash of
// the machine does to SQL is nothing that we teach or test.
//
// # Guarantees
//
// Start returns when the server answers, or returns an error and leaves nothing.
// After kill -9 of this process server and directory are gone within moments.
//
// # Caveats
//
// Unix only; PostgreSQL 12 or later. A start takes about a second, most of it
// initdb. The directory is below os.TempDir, which the user that runs the server
// must be able to write to, and whose path must leave room for a socket's name (about
// 100 bytes in all).
package pgproc
