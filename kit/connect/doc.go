// Package connect turns a URL, the environment or a struct into a go-redis
// client: for one server, for a master that Sentinels watch, or for a Redis
// Cluster, with TLS and an ACL user where they are asked for, and with timeouts
// that suit a program which serves people. Check says in words what is wrong
// with a server that does not answer.
//
//	client, err := connect.Open(ctx, connect.FromEnv())
//
// # When to use
//
// At the start of a program, once. The client is safe for concurrent use and
// made to be shared; the rest of the toolkit takes it and never closes it. Make
// go-redis's own options instead if you need a setting that is not here, such
// as reads from replicas.
//
// # Design
//
// Open is lazy. A program that dials while it starts cannot start while Redis
// restarts, and a fleet of them makes an outage longer; readiness is for a
// health check to decide. Options.Eager is there for tools, which rather fail at
// once.
//
// URLs are parsed here and not by net/url or redis.ParseURL: these refuse lists
// of hosts, and their errors repeat the URL with its password. No error, and no
// way to print Options, shows one.
//
// Where these settings differ from go-redis's:
//
//   - ContextTimeoutEnabled: otherwise a deadline does not end a read.
//   - Timeouts of one to two seconds in place of five; each constant says why.
//   - DialerRetries 1: the command that needs a connection is repeated anyway.
//   - In a cluster, a look at who serves which slots once a second, in place of
//     once a minute, and after each call that no server answered. A dead primary
//     redirects nobody: with the defaults a client came back 59 s after one died.
//   - TLS 1.2 at least.
//
// The protocol stays RESP 3, go-redis's default. Commands are repeated up to
// three times on network errors, its default too: a command without a deadline
// in its context can take four times ReadTimeout.
//
// Check sends PING, the proof, and HELLO, which tells version, mode and role. A
// server that speaks TLS hangs up on a client that does not, and one that does
// not waits for the end of a TLS client's first line. Since neither says why,
// Check asks once more in the other language, without a password.
//
// # Redis footprint
//
// No keys. A connection sends HELLO (with AUTH), CLIENT SETNAME and CLIENT
// SETINFO, and SELECT for a database. ACL: +client|setname (or NoName), +ping
// for Check, +select for a database; in a cluster +cluster|slots and +command.
// Redis 6.0 or later for users and RESP 3; older ones get RESP 2.
//
// # Guarantees
//
// Open makes no connection unless Eager. Bad options are refused before
// anything is tried, by an error that names field, rule and value. A password
// from a file is read again for each new connection.
//
// When a primary dies, calls work again within 5 s: in a cluster with a node
// timeout of 2 s, or under Sentinels that wait 1 s, with a majority of them alive
// that agrees in its first vote. Measured, 12 times each on two busy cores: 3.4 to 4.5 s (median
// 3.9) in the cluster, at most 0.15 s of it after the failover; 3.3 to 3.9 s
// (3.6) under Sentinels, up to 0.8 s of it after the failover. The rest is
// Redis's own: noticing, voting, promoting. Calls made meanwhile fail, so the
// caller's deadline and its retry decide what a user sees.
//
// # Caveats
//
// A password in a URL is seen by whoever sees the environment of the process;
// prefer REDIS_PASSWORD_FILE. Connections that are open keep the old password
// after a rotation, which Redis allows. go-redis writes connection errors to its
// own log on standard error; redis.SetLogger changes that for the whole process.
package connect
