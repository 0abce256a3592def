// Package localredis finds the Redis that a run of this program works with, or
// starts one, so that the first minute needs nothing but Go: the server that a
// person points at, else a private process of an installed redis-server or
// valkey-server, else a server inside this program.
//
// # When to use
//
// By whatever needs a Redis for its user: the page, the experiments, the checks.
// Tests of the toolkit use redistest, and a server to break is internal/lab's.
//
// # Design
//
// Open decides once. A server that was asked for by its URL is used or is an
// error: to fall back to another would hide that the URL is wrong. An installed
// server that does not start is no error, since a learner can begin without it;
// Line says what is wrong with it.
//
// The embedded server is miniredis with a clock. Its TTLs shrink when it is told
// that time passed, and it is told what really passed: before a command while
// that costs little (every millisecond with a thousand keys), else ten times a
// second. So a key may expire early or late by as much, 100 ms at the worst;
// TIME and EXPIREAT follow the machine's clock. Letting it take the time at each
// command by itself, as it can, would visit all keys at each command.
//
// SetupPlan is what `grind setup` shows before it asks. It only looks; Run runs.
//
// # Redis footprint
//
// On a server of the user's, Open sends PING, INFO, and a bounded SCAN when
// there are more than 1000 keys (see Suspect). It writes nothing, and what
// callers write begins with Prefix. It needs INFO and SCAN to judge; a user of
// the server that may not call them is told by Suspect.
//
// # Guarantees
//
// Close leaves no process, no directory and no goroutine; a process that dies
// without Close takes its private server along (see redisproc). Nothing on a
// server of the user's is ever flushed, configured or deleted by this package.
//
// # Caveats
//
// The embedded server lacks what EmbeddedLacks lists. Besides, scripts have
// cjson there but neither bit, struct nor cmsgpack; INFO tells clients and
// counts only; MEMORY USAGE is an estimate that has nothing to do with Redis's;
// WAIT answers 0 at once. It refuses commands that could add keys above 100,000
// keys, which it counts with each step of its clock: a burst may go somewhat
// beyond, and inside MULTI only the refused command is left out, where Redis
// would refuse the whole transaction.
package localredis
