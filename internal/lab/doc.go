// Package lab is a Redis server to break: a process of our own, a tap in front
// of it, and a switch for each failure that a program must survive. Units, tests
// and people flip the same switches.
//
// # When to use
//
// Start where a server may be paused, killed or filled up. Front where only the
// wire may fail, as before a server of the user's. A test that needs a server and
// no failure uses redistest.
//
// # Design
//
// A failure is a pair: making it happen, and ending it. A Switch makes that pair
// safe to flip in any order, and says in a sentence what a learner will see. On
// returns when the failure is there, so nobody has to wait and hope.
//
// Failures of the process are real: SIGSTOP, kill -9, a limit on memory, the
// role of a replica. The read-only server is a replica of a listener of ours that
// accepts and never answers. An address where nothing listens would do until
// somebody does: another Redis there would replace all data.
//
// Failures of the wire are the tap's. LOADING is one of these too: a server that
// really loads for as long as a learner looks would need gigabytes on disk.
//
// # Redis footprint
//
// No keys. Process switches send CONFIG SET, REPLICAOF, INFO and SCRIPT FLUSH,
// only to servers that Start started: no other type has such switches. With an
// ACL of the caller's they run as a user lab-admin, added at the start.
//
// # Guarantees
//
// Close ends every failure, process, connection and goroutine, in whatever state
// the server is. When a process ends, the switches that were on for that process
// are off for the next one.
//
// # Caveats
//
// While ReadOnly is on, the server keeps expired keys until it is off, as every
// replica does (they are not returned). OOM lets writes pass again when more than
// half of what was used is deleted. Blocked clients are unblocked with an error
// when ReadOnly turns on. What Kill and Restart lose depends on
// redisproc.Options.AppendOnly.
//
// Off returns when the server works again, and a client may need longer: after
// as many failed dials as its pool is large, go-redis repeats the last error and
// dials once a second.
package lab
