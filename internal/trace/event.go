package trace

import "time"

// Kind says what an event is.
type Kind string

// The kinds of events that a wire shows.
const (
	Command   Kind = "command"   // a command and its reply
	Push      Kind = "push"      // data the server sent unasked: a published message, an invalidation
	Handshake Kind = "handshake" // HELLO, AUTH, CLIENT SETNAME and SETINFO, SELECT: folded away by views
	Open      Kind = "open"      // a client connected
	Close     Kind = "close"     // a connection ended
)

// Label says on whose behalf a command was sent. It comes from the program
// (see Labels), never from the wire, and may be empty.
type Label struct {
	Actor   string `json:"actor,omitempty"`
	Request string `json:"request,omitempty"`
}

// Reply is a bounded picture of what the server answered.
type Reply struct {
	// Type is the RESP type in words: simple, error, integer, bulk, array, nil,
	// map, set, double, boolean, bignumber, verbatim, push; empty when no reply
	// was seen.
	Type string `json:"type,omitempty"`
	// Text is the reply as a person reads it: OK, 42, "quoted", (nil),
	// [a, b, …]. It is cut at MaxText bytes and then ends in "…".
	Text string `json:"text,omitempty"`
}

// Err reports whether the server answered with an error.
func (r Reply) Err() bool { return r.Type == "error" }

// The bounds of what one event keeps; the wire itself is never cut.
const (
	MaxArgs = 32
	MaxText = 256
)

// Event is one thing that happened on the wire between a client and Redis.
type Event struct {
	Seq    uint64 `json:"seq"` // order of commands as the wire saw them, from 1
	Kind   Kind   `json:"kind"`
	Conn   uint64 `json:"conn"`             // number of the connection, from 1
	Client string `json:"client,omitempty"` // its name, as given by CLIENT SETNAME or HELLO
	Label  Label  `json:"label,omitzero"`

	Name string   `json:"name,omitempty"` // the command in capitals: GET
	Args []string `json:"args,omitempty"` // its arguments without the name, each cut at MaxText bytes, at most MaxArgs
	More int      `json:"more,omitempty"` // arguments left out

	Reply Reply `json:"reply,omitzero"`

	At       time.Time     `json:"at"`          // when the command reached the wire
	Duration time.Duration `json:"duration_ns"` // from then to the last byte of the reply
	Sent     int64         `json:"sent"`        // bytes of the command
	Received int64         `json:"received"`    // bytes of the reply

	// Trip numbers the round trips of a connection from 1. A trip begins with a
	// command that is sent while no reply is outstanding; commands that follow
	// before all replies have come belong to it.
	Trip uint64 `json:"trip,omitempty"`
	// Tx marks commands between MULTI and EXEC, MULTI and EXEC included.
	Tx bool `json:"tx,omitempty"`
	// Fault names the fault that was thrown at this command, such as "reply lost".
	Fault string `json:"fault,omitempty"`
}

// Sink takes events as they happen. It is called from many goroutines and must
// not block: the wire waits for it.
type Sink func(Event)
