package lab

import (
	"context"
	"time"

	"github.com/redis-grind/grind/internal/tap"
)

// What the switches of the wire do. Other values are a Throw away.
const (
	// SwitchDelay is what Latency adds to each round trip.
	SwitchDelay = 50 * time.Millisecond
	// SwitchRate is what Bandwidth lets through, in bytes per second, in each
	// direction of a connection.
	SwitchRate = 10_000
)

// wireLevers are the failures of a tap. Each lasts until it is turned off, and
// befalls every command but those of handshakes.
func wireLevers(t *tap.Tap) []lever {
	fault := func(name, title, what string, f tap.Fault) lever {
		return lever{name: name, title: title, what: what, throw: func(context.Context) (undo, error) {
			clear, err := t.Throw(f)
			if err != nil {
				return nil, err
			}
			return func(context.Context) error { clear(); return nil }, nil
		}}
	}
	return []lever{
		fault(Latency, "Slow network", "Each round trip takes 50 ms longer, so ten commands one by one take half a second and ten in a pipeline do not.",
			tap.Fault{Kind: tap.Latency, Delay: SwitchDelay}),
		fault(Bandwidth, "Narrow network", "Only 10 kB a second pass in each direction of a connection, so large values take seconds.",
			tap.Fault{Kind: tap.Bandwidth, BytesPerSecond: SwitchRate}),
		fault(Cut, "Cut connections", "The connection ends as a command is sent: it was not executed, but the client cannot know.",
			tap.Fault{Kind: tap.Cut}),
		fault(Reset, "Reset connections", "The connection is reset (TCP RST) as a command is sent, which was not executed.",
			tap.Fault{Kind: tap.Reset}),
		fault(LoseReply, "Lose replies", "Each command is executed and its reply never arrives: the client that tries again does it twice.",
			tap.Fault{Kind: tap.LoseReply}),
		fault(Refuse, "Refuse connections", "All connections end and no new one is accepted, as when nothing listens there.",
			tap.Fault{Kind: tap.Refuse}),
		fault(Loading, "Still loading", "Each command is answered LOADING, as by a server that is reading its data from disk after a restart.",
			tap.Fault{Kind: tap.ErrorReply, Message: "LOADING Redis is loading the dataset in memory"}),
		fault(Error, "Answer errors", "Each command is answered with an error and not executed.",
			tap.Fault{Kind: tap.ErrorReply, Message: "ERR an error made by the lab"}),
	}
}
