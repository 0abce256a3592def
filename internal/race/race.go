package race

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/picture"
)

// Client is what an actor works with: every command of Redis, but one at a time
// and without auto-pipelining, so that each command is a step of its own.
type Client interface {
	redis.Cmdable
	Watch(ctx context.Context, fn func(*redis.Tx) error, keys ...string) error
}

// Actor is one of the parties of a race.
type Actor struct {
	// Name is what people read: alice, web-1.
	Name string
	// Do is the code under test. It must send its commands through c, one after the
	// other, and take its keys from k, or make them from those. It may return an
	// error, which ends the actor and is part of the outcome; a panic is one. It
	// must heed its context, leave no goroutine behind, and wait for another actor
	// only through Redis. Within Watch it must use the tx alone. It runs once for each schedule, so it must begin anew each
	// time and depend on nothing but the replies it gets.
	Do func(ctx context.Context, c Client, k Keys) error
}

// Keys gives a scenario its keys: the same name always gives the same key
// within one run of a schedule, and never that of another run.
type Keys func(name string) string

// Scenario is a race that can be replayed: a start, actors, and the truth that
// must hold once all have ended.
type Scenario struct {
	// Name identifies the scenario within its unit: get-set.
	Name string
	// Title is what people read.
	Title string
	// Setup lays out the data. It may be nil.
	Setup func(ctx context.Context, c Client, k Keys) error
	// Actors take part in this order; two or three are typical.
	Actors []Actor
	// Watch names the keys whose pictures are taken after each step.
	Watch []string
	// Check says, after all actors ended, what is wrong with the data: a
	// *Violation whose sentence a learner reads. nil means that all is well; any
	// other error ends the exploration, for it says nothing about the schedule.
	// ends tells how each actor ended, by its index.
	Check func(ctx context.Context, c Client, k Keys, ends []End) error
	// Good is the sentence for a run in which Check found nothing wrong. It may be
	// a fixed text; empty means "the data is right".
	Good string
}

// End is how an actor ended.
type End struct {
	Err     error // what Do returned; nil if it returned nil or did not return
	Crashed bool  // it was stopped by a Crash and never got to its end
	Lost    int   // how many of its replies were lost
}

// Violation is the sentence that says what happened to the data.
type Violation struct{ Message string } //nolint:errname // a verdict on the data, which scenarios return; nothing failed

// Error returns the sentence.
func (v *Violation) Error() string { return v.Message }

// Fault is what befalls an actor at one of its steps.
type Fault string

// The faults of a step.
const (
	None      Fault = ""
	Crash     Fault = "crash"      // the process dies before the command is sent: see ErrCrashed
	LostReply Fault = "lost reply" // the command is executed, its reply never arrives: see ErrReplyLost
)

// Move says which actor takes the next step, and what befalls it there.
type Move struct {
	Actor int   `json:"actor"`
	Fault Fault `json:"fault,omitempty"`
}

// Schedule is an order of steps. As text it is one letter a step, A for the
// first actor, B for the second, with "!" behind it for a crash and "?" for a
// lost reply: "A B A? B". ParseSchedule reads it.
type Schedule []Move

// Env is where a race is played.
type Env struct {
	// Dial opens the client of the actor of this name: its own connection,
	// PoolSize 1, MaxRetries -1. The race closes it.
	Dial func(name string) *redis.Client
	// Direct lays out the data, checks it and takes the pictures. Its commands are
	// not steps and are seen by nobody.
	Direct *redis.Client
	// Prefix stands before every key of the race. Each played schedule adds a part
	// of its own, which is cut off again in what people read.
	Prefix string
}

// Step is one command of one actor.
type Step struct {
	Move
	Name    string `json:"name"`    // the actor's
	Command string `json:"command"` // GET likes:42
	// Reply is what Redis answered: "0". It is empty after a crash, and while none
	// has come. A reply that was lost stands here too; the actor never saw it.
	Reply  string `json:"reply"`
	Failed bool   `json:"failed,omitempty"` // the reply is an error
	// Waits says that the command waited in Redis, so that its reply came only
	// after a later step, if at all.
	Waits bool          `json:"waits,omitempty"`
	Keys  []picture.Key `json:"keys,omitempty"` // what Watch shows after it
}

// Outcome is a schedule as it was played.
type Outcome struct {
	Schedule string   `json:"schedule"` // as text: "A B A B"
	Actors   []string `json:"actors"`
	Steps    []Step   `json:"steps"`
	// Next is what each actor is about to send: empty for one that has ended, or
	// that waits in Redis. Only an actor with something to send can take a step.
	Next []string `json:"next"`
	// Ends says in a few words how each actor ended: "", "done", "crashed", or its
	// error; "waits in Redis" for one that can go on only when another wakes it.
	Ends []string `json:"ends"`
	// Done says that nobody can take another step; only then is the data judged.
	// Where some wait in Redis and nobody is left to wake them, that is the
	// violation, and Check is not asked.
	Done bool `json:"done"`
	// Violation is the sentence of what went wrong, Good that of what held.
	Violation string `json:"violation,omitempty"`
	Good      string `json:"good,omitempty"`
	// Keys are the pictures before the first step.
	Keys []picture.Key `json:"keys,omitempty"`
}

// Report is what Explore found.
type Report struct {
	Played  int `json:"played"`  // schedules run in all
	Failing int `json:"failing"` // of these
	Orders  int `json:"orders"`  // without any fault
	Crashes int `json:"crashes"` // with a crash
	Lost    int `json:"lost"`    // with a lost reply
	// Shortest is the failing schedule with the fewest steps, of these the one with
	// the fewest faults, then the fewest switches between actors; nil when none
	// failed.
	Shortest *Outcome `json:"shortest,omitempty"`
	// Cut says in a sentence why not all were played, or not all to their end, and is
	// empty when all were.
	Cut string `json:"cut,omitempty"`
	// Left is how many schedules were known and not played, at least; GivenUp how many
	// of those played were not judged, for an actor sent too many commands.
	Left    int   `json:"left,omitempty"`
	GivenUp int   `json:"given_up,omitempty"`
	Millis  int64 `json:"millis"` // how long it took
}
