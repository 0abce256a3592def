// Package redisproc starts real redis-server and valkey-server processes and
// surely stops them.
//
// A server of this package is a child of your program, listens on 127.0.0.1
// only, lives in a temporary directory of its own, and is gone with that
// directory when your program is: after Stop, after a panic, after os.Exit,
// after kill -9.
//
// # When to use
//
// For tests (package redistest wraps it), for tools that need a throw-away
// server, and for experiments with the server itself: kill it, pause it,
// restart it from its append-only file, run it out of memory, give it TLS and
// an ACL. Not for production: it has no persistence unless asked, and nothing
// restarts it.
//
// # Design
//
// Each server has a reaper: a shell of a few lines, in its own process group,
// whose standard input is a pipe that only your program holds. The reaper makes
// the directory, is told the process id of the server before the server is let
// go, and at end of file, which comes however your program ends, kills the
// process group and removes the directory. There is no instant at which
// something exists that nobody is bound to remove; the tests kill the parent
// with kill -9 at random instants of a start to hold this.
//
// The server runs in a process group of its own, so Ctrl-C in a terminal
// reaches your program alone, which then decides.
//
// Rejected: the parent-death signal of Linux (leaves the directory, fires when
// the thread that forked ends, and is Linux only); cleaning up in the parent
// alone (kill -9 leaves all); a container (seconds to start, and one more thing
// to install).
//
// Ports are chosen from 20000 to 29999, below those that systems give to
// outgoing connections: while a server is down, no client that redials it can
// occupy its port.
//
// # Redis footprint
//
// None: no key is written. A server costs about 12 MB, its reaper 2 MB. On two
// cores a plain start took 25 ms and a graceful stop 100 ms. Redis 6.0 or
// later, or Valkey; TLS needs a server that was built with it.
//
// # Guarantees
//
//   - Start returns when the process is ours, has the port, has loaded its
//     data and has answered PING; or it returns an error and leaves nothing.
//   - Passwords stand in files of mode 0600 in a directory of mode 0700, never on
//     a command line.
//   - After kill -9 of your program server and directory are gone within
//     moments, also if the server was stopped by SIGSTOP.
//   - Kill takes the children that save an RDB or rewrite an AOF along.
//
// What does not hold: kill -9 of the reaper itself, or a machine that loses
// power, leaves the directory (redisproc-… in os.TempDir). And if the server
// ends by itself in the same microseconds as your program, its process id might
// be another's when the reaper signals it.
//
// # Caveats
//
// Unix only; on Windows the package compiles, and Start answers
// ErrUnsupported: work inside WSL there. It needs /bin/sh with mkdir and rm.
package redisproc
