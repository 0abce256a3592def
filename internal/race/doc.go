// Package race plays the commands of a few actors against Redis in a chosen
// order, or in every order there is, and says in which of them the data goes
// wrong.
//
// # When to use
//
// A race of real clients shows its mistake once in a thousand runs, and never
// the same way twice. Play replays one order of commands, step by step, with a
// picture of the keys after each. Explore plays all of them and returns the
// simplest that fails. Both are for scenarios of two or three actors with a
// handful of commands each. For the behaviour under load, or over a bad network,
// run the real thing.
//
// # The model
//
// Redis executes commands one at a time. So whatever actors on many machines do,
// the data sees one sequence of commands, and all that can differ is how the
// actors' sequences are interleaved. A schedule is one interleaving: which actor
// takes the next step, and what befalls it there.
//
//   - A step is one command, or one pipeline, or one MULTI … EXEC. WATCH is a step;
//     UNWATCH passes freely, for nobody else can tell. An EVALSHA whose script the
//     server does not have is one step together with the EVAL that follows.
//   - While Watch runs its function, the actor has one connection, that of the tx. A
//     command by its client would need another one. Where Watch holds all of a pool,
//     it waits for ever, so here it is no step but an *ActorError with ErrOutsideTx.
//   - A crash stops an actor before a command is sent. Its context ends, and
//     nothing that it still tries reaches Redis, deferred clean-up included. A crash
//     after a command is the crash before the next one: nobody can tell them apart.
//   - A lost reply lets the command be executed, and gives the actor a time-out. Its
//     connection is lost with the reply, and so is what it watched.
//   - A command that waits in Redis, such as BLPOP, takes its actor out of the order
//     until its reply has come. When nobody else can move, its timeout has passed;
//     if it has none, the schedule fails, for they wait for ever.
//
// # Design
//
// Each actor runs as ordinary Go code with a client of its own. A hook of
// go-redis stops it at a gate before each command and tells the scheduler what it
// is about to send. The scheduler moves one actor, and waits until each one
// stands at its gate again, waits in Redis, or has ended: so an actor's own code
// runs alone, and the same schedule leads to the same outcome.
//
// Explore keeps no states. It plays a schedule from an empty start to its end,
// letting the same actor go on for as long as it can, and remembers at each step
// what else could have happened there: another actor's move, a crash, a lost
// reply. Each of these is the beginning of a schedule that is played later, fewest
// switches first, so each schedule is played once. A crash is tried only when a
// command has just come up, since others cannot tell when a silent actor died.
// Orders, crashes and lost replies share the bounds, so that very many orders do
// not keep faults from being tried at all.
//
// Partial-order reduction, which leaves out orders that differ only in commands
// that do not touch each other, was not done: the count of orders is something
// that people should be able to check by hand, C(4,2) = 6.
//
// # Redis footprint
//
// Keys lie below Env.Prefix and a part that is new for each schedule; those that
// were handed out, and those that a command made from them, are deleted after it
// (UNLINK). Two connections an actor, kept from schedule to schedule. Each
// schedule costs its commands, Setup, Check and one UNLINK; each picture three
// round trips. While commands wait in Redis, CLIENT LIST is asked about these
// connections, each millisecond, and CLIENT UNBLOCK ends a wait that has a
// timeout; servers without these are given time instead, which is slower.
//
// # Guarantees
//
// What Explore has played to the end without Report.Cut is all there is, for this
// scenario: these actors, this start, at most Options.MaxFaults faults. The same
// schedule gives the same Outcome, times and time to live aside, if the actors
// depend on nothing but their replies.
//
// # Caveats
//
//   - It explores orders of commands at one server. It does not explore how
//     goroutines of one process race in memory (go test -race does), nor replicas,
//     failovers, or messages that overtake each other between nodes.
//   - One fault in a schedule, unless told otherwise: a mistake that needs two goes
//     unseen.
//   - Time is real and hardly passes. A lock does not expire during a schedule of a
//     few milliseconds; a scenario about that must delete the key as a step.
//   - A loop that tries until it succeeds has endlessly many orders. It is given up
//     after Options.MaxSteps commands, and the report says so.
//   - Reads that no other command can influence double the orders for nothing. Leave
//     them out of scenarios.
package race
