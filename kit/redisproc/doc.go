// Package redisproc starts real redis-server and valkey-server processes and
// surely stops them: one, a primary with replicas, a primary with replicas and
// Sentinels, or a Redis Cluster.
//
//	server, err := redisproc.Start(ctx, redisproc.Options{})
//	cluster, err := redisproc.StartCluster(ctx, redisproc.ClusterOptions{})
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
// an ACL. A topology is for what happens between servers: a failover, a replica
// that lags, a slot that moves. Not for production: nothing is kept unless asked,
// and nothing is restarted.
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
// occupy its port. Those of a cluster's bus, 10000 above, lie below them too.
//
// A topology has a type of its own, made of Servers that can each be paused,
// killed and restarted: "the replicas of a shard" means nothing for one server,
// and the compiler says so. It is formed by commands and without redis-cli,
// everything at the same time. Redis has no event for most of what is waited for,
// so servers are asked every 10 ms; no method waits for a time to pass, but for
// FailOver where Redis counts in time. WaitStable and WaitFailover say what was
// missing when their context ends.
//
// When the servers of a topology have a password or an ACL, they get a further
// user, redisproc, with a random password: replicas, Sentinels and this package
// log in as it, whatever becomes of the user default.
//
// # Redis footprint
//
// None: no key is written. Before a topology is called stable an empty message
// is published to the channel redisproc, for the replicas to acknowledge. A server
// costs about 12 MB, its reaper 2 MB. On two cores a plain start took 25 ms and a
// graceful stop 100 ms; a primary with two replicas 0.13 s, with three Sentinels
// 0.3 s, a cluster of 3+3 2.1 s, of which its nodes refuse to serve for 2. Redis
// 6.0 or later (7.0 for a cluster), or Valkey; TLS needs a server that was built
// with it.
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
//   - A topology that was started, or for which WaitStable has returned, works at
//     once: each running node agrees with the others on who is what, and each
//     replica has acknowledged all that its primary had written.
//
// What does not hold: kill -9 of the reaper itself, or a machine that loses
// power, leaves the directory (redisproc-… in os.TempDir). And if the server
// ends by itself in the same microseconds as your program, its process id might
// be another's when the reaper signals it.
//
// # Caveats
//
// Failovers are Redis's own, with its times. When a primary dies, Sentinels
// promote a replica within 3 to 4 s at the defaults of this package, a cluster
// within 3.3 to 4.5 s. An old primary that comes back is a primary for some ten
// seconds more until the Sentinels tell it otherwise, and takes writes that will
// be lost. A Sentinel that was stopped for more than two seconds takes no part
// for thirty.
//
// A node of a cluster that was voted in counts the same votes again in an
// election less than 4 s later, or four node timeouts if these are longer, and
// takes the slots with an epoch that nobody accepts (Redis 7.0.15). FailOver
// waits until that time is over. If you make a shard go there and back, and kill
// its primary within it, the shard stays down.
//
// Unix only; on Windows the package compiles, and Start answers
// ErrUnsupported: work inside WSL there. It needs /bin/sh with mkdir and rm.
package redisproc
