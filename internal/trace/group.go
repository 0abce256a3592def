package trace

import (
	"fmt"
	"time"
)

// Group is the commands that belong together, and what they cost.
type Group struct {
	// Label, Client and Conn say what the group is of: the first of them that
	// the wire knew. The others are zero.
	Label  Label
	Client string
	Conn   uint64

	// Events are the group's commands in the order they were given.
	Events []Event
	// RoundTrips counts the distinct round trips among them.
	RoundTrips int
	// Sent and Received are bytes on the wire.
	Sent, Received int64
	// Duration is the time that passed waiting for Redis: for each round trip
	// from its first command to its last reply, summed. Commands of one
	// pipeline wait together, so it is not the sum of their durations.
	Duration time.Duration
}

// Title names the group for a person: "request 7f3 of alice", "client api",
// "connection 4".
func (g Group) Title() string {
	switch {
	case g.Label.Request != "" && g.Label.Actor != "":
		return fmt.Sprintf("request %s of %s", g.Label.Request, g.Label.Actor)
	case g.Label.Request != "":
		return "request " + g.Label.Request
	case g.Label.Actor != "":
		return g.Label.Actor
	case g.Client != "":
		return "client " + g.Client
	default:
		return fmt.Sprintf("connection %d", g.Conn)
	}
}

// Groups puts the commands among events together by the label they carry, by
// the client's name where there is none, else by connection. Groups come in
// the order of their first command; handshakes, pushes, opened and closed
// connections are left out.
func Groups(events []Event) []Group {
	type owner struct {
		label  Label
		client string
		conn   uint64
	}
	type trip struct{ conn, trip uint64 }
	type span struct{ from, to time.Time }
	var groups []Group
	index := map[owner]int{}
	var spans []map[trip]span
	for _, e := range events {
		if e.Kind != Command {
			continue
		}
		o := owner{label: e.Label}
		if o.label == (Label{}) {
			if o.client = e.Client; o.client == "" {
				o.conn = e.Conn
			}
		}
		i, ok := index[o]
		if !ok {
			i = len(groups)
			index[o] = i
			groups = append(groups, Group{Label: o.label, Client: o.client, Conn: o.conn})
			spans = append(spans, map[trip]span{})
		}
		g := &groups[i]
		g.Events = append(g.Events, e)
		g.Sent += e.Sent
		g.Received += e.Received
		t, end := trip{e.Conn, e.Trip}, e.At.Add(e.Duration)
		s, seen := spans[i][t]
		if !seen || e.At.Before(s.from) {
			s.from = e.At
		}
		if end.After(s.to) {
			s.to = end
		}
		spans[i][t] = s
	}
	for i := range groups {
		groups[i].RoundTrips = len(spans[i])
		for _, s := range spans[i] {
			groups[i].Duration += s.to.Sub(s.from)
		}
	}
	return groups
}
