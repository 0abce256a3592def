// Package lab is a Redis to break: processes of our own, one or a topology of
// them, a tap in front, and a switch for each failure that a program must survive.
// Units, tests and people flip the same switches.
//
// # When to use
//
// Start where a server may be paused, killed or filled up. StartSentinel and
// StartCluster where it is about who takes its place. Front where only the
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
// In a topology each node has switches of its own, named by Of, and the whole
// has some more. Status is the picture for a page or a terminal: what each node
// says of itself, as values. There is no tap, for clients connect to the
// addresses that servers tell each other.
//
// A network that breaks in two is made without touching the system's: the primary
// is told to listen on another port, and its connections to Sentinels and replicas
// are ended. Clients that are connected stay, and more of them find it by Aside.
// In a cluster the links between nodes have ports of their own that cannot be
// moved, so there a node is paused or killed. Rejected: rules of a firewall, which
// need root; proxies on all links, which rewrite addresses.
//
// # Redis footprint
//
// No keys. Process switches send CONFIG SET, REPLICAOF, INFO and SCRIPT FLUSH,
// only to servers that Start started: no other type has such switches. With an
// ACL of the caller's they run as a user lab-admin, added at the start. Switches of a
// topology send SENTINEL FAILOVER, CLUSTER FAILOVER, CONFIG SET port and CLIENT
// KILL.
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
// A node that was killed comes back with what it had: its topology needs some time
// more, under Sentinels about ten seconds, until it knows its place. WaitStable of
// the Process returns when it does.
//
// Off returns when the server works again, and a client may need longer: after
// as many failed dials as its pool is large, go-redis repeats the last error and
// dials once a second.
package lab
