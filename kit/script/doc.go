// Package script runs Lua scripts and functions on Redis: with a checked header
// in place of guesses about KEYS and ARGV, with typed results, and with a clear
// answer to the question "did it run?".
//
// A script is a .lua file with a header, embedded in the program:
//
//	-- take.lua: takes one from the stock, if there is any.
//	--
//	-- KEYS[1] stock   string: the count
//	-- ARGV[1] ttl_ms  how long the stock lives without a sale, milliseconds, > 0
//	-- Returns {1, left} when taken, {0, 0} when sold out
//	-- Complexity O(1)
//	local left = tonumber(redis.call('GET', KEYS[1]) or '0')
//	…
//
// The first line names the file and its purpose. KEYS and ARGV are numbered from
// 1, each with a name and a description that states unit and range; a last one
// written [2..] stands for any number of values; "KEYS none" and "ARGV none"
// say that there are none. Indented text continues a line; after an empty
// comment line, other text is a remark. A header with a hole is refused, and so
// is a script that uses a KEYS[n] or ARGV[n] which its header does not declare.
//
// # When to use
//
// When several commands must happen as one and the later ones depend on what
// the earlier ones answered. Commands that do not depend on each other are a
// pipeline or a transaction; one that Redis has (SET NX PX, GETDEL, INCRBY) is
// itself. A script holds up the whole server while it runs: keep it to a few
// commands and to keys of bounded size.
//
// # Design
//
// A script is sent by its digest (EVALSHA), and with its source (EVAL) when the
// server answers NOSCRIPT, which proves that it did not run. Nothing is loaded
// in advance: scripts are lost at each restart, failover and SCRIPT FLUSH, so
// the answer has to be handled anyway. A pipeline is settled the same way, by a
// second one with what was unknown. The alternatives were worse: SCRIPT LOAD at
// the head of a pipeline costs the source each time and, having no key, goes to
// a random node of a cluster. A transaction sends the source, because a NOSCRIPT
// inside EXEC leaves the commands around it executed.
//
// go-redis repeats commands on network errors, writes too. If only the reply
// was lost, that runs a script twice. So a script is sent at most once unless
// it is declared Idempotent, and a reply that is lost is ErrUnknown: repeating
// is the caller's decision.
//
// redis.Script, which comes with go-redis, does none of the checks, is repeated
// like any command, and cannot be used in a pipeline.
//
// # Redis footprint
//
// No keys of its own. The server keeps each script's source until it restarts;
// since values travel as ARGV, the number of scripts is that of the files.
// Scripts run on every Redis since 2.6, functions since 7.0. All keys of a run
// must be in one hash slot. ACL: EVALSHA, EVAL; for functions FCALL and
// FUNCTION|LOAD; for batches MULTI and EXEC; and what the scripts call.
//
// # Guarantees
//
//   - A script that is not Idempotent is executed at most once by each Run or
//     Queue, whatever is lost, restarted or flushed.
//   - An error that is not ErrUnknown proves that the script did not run, or is
//     the server's own answer.
//   - A script sees keys and arguments that match its header in number.
//   - redis.Nil is never returned.
//
// They do not hold across a failover: a script that ran on a master which died
// before replicating is gone, with its effects.
//
// # Caveats
//
// Nothing rolls back: what a script wrote before it raised an error stays. Lua
// numbers are doubles: integers beyond 2^53 are to be handled as strings. Redis
// refuses a script that reads keys it was not given in KEYS only in a cluster.
// The order within Pipelined is not kept for scripts that the server does not
// know.
package script
