// Package incident runs the incident that ends a phase: a small program under
// load whose symptoms stand on a dashboard until a learner has mended its one
// file.
//
// # Design
//
// A deployment is a Redis of its own behind a tap, the copies of the program, and
// the load on them. A save builds the program with the learner's file laid over
// it; while that goes on, and if it fails, the old deployment stays. A new one
// begins on fresh data, so that what a mistake left behind never has to be
// migrated, and nothing that it broke is held against its repair.
//
// The program runs as a child over which nobody but its own code has power, so
// the wire cannot be labelled from inside: each request sends a PING that carries
// its name over a client that serves no other request at that moment, and the
// wire files what follows under it. Load and judge go straight to Redis and to
// the program's address.
//
// A fact has three states. It is red as soon as it is seen not to hold, green
// when a whole window without a failure and with enough to go by has passed, and
// else being watched. Nothing but what is observed turns it; an incident is over
// when all facts were green for Hold.
//
// # Guarantees
//
// The learner's file is never written over: Reset keeps a copy. Children, load
// and server end with Run, and with the program when that is killed: the copies
// end with a pipe from it, the server with its reaper.
package incident
