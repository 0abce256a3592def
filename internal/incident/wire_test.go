package incident

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// TestWire: what a client sends after its PING belongs to the request that the
// PING names, whatever others send meanwhile.
func TestWire(t *testing.T) {
	w := newWire()
	seq := uint64(0)
	send := func(client, name string, args ...string) {
		seq++
		w.see(trace.Event{Seq: seq, Kind: trace.Command, Client: client, Name: name, Args: args, At: time.Now()})
	}
	send("shop-1", "GET", "before:any") // of no request
	send("shop-1", "PING", "POST /carts/c1|left tab")
	send("shop-2", "PING", "POST /carts/c1|right tab")
	send("shop-1", "GET", "cart:c1")
	send("shop-2", "GET", "cart:c1")
	send("shop-1", "SET", "cart:c1", "1")
	send("shop-1", "PING", "GET /feed|reader")
	send("shop-1", "KEYS", "feed:*")
	send("shop-2", "PING") // not a name
	w.see(trace.Event{Kind: trace.Handshake, Client: "shop-2", Name: "HELLO"})

	got := w.requests(time.Time{})
	want := "POST /carts/c1 left tab 1: 2, POST /carts/c1 right tab 2: 2, GET /feed reader 3: 1"
	text := ""
	for i, r := range got {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s %s %d: %d", r.Name, r.Actor, r.Number, r.Count)
	}
	if text != want {
		t.Errorf("got %s, want %s", text, want)
	}
	if later := w.requests(time.Now().Add(time.Second)); len(later) != 0 {
		t.Errorf("requests of the future: got %d, want none", len(later))
	}
	sorts := w.sample().Sorts
	if len(sorts) != 2 || sorts[0].Name != "POST /carts" || sorts[1].Name != "GET /feed" {
		t.Fatalf("got the sorts %+v, want POST /carts and GET /feed", sorts)
	}
	if e := sorts[0].Events[2]; e.Name != "SET" && e.Name != "PING" || e.Label.Actor == "" {
		t.Errorf("got %s of %q in the third place, want it in the order of the wire with who sent it", e.Name, e.Label.Actor)
	}
}

// TestWire_bounds: a flood takes bounded room.
func TestWire_bounds(t *testing.T) {
	w := newWire()
	for i := range 3 * keptRequests {
		w.see(trace.Event{Seq: uint64(2 * i), Kind: trace.Command, Client: "c", Name: "PING", Args: []string{"GET /a|b"}, At: time.Now()})
		w.see(trace.Event{Seq: uint64(2*i + 1), Kind: trace.Command, Client: "c", Name: "GET", Args: []string{"k"}, At: time.Now()})
	}
	for range 10 * keptCommands {
		w.see(trace.Event{Kind: trace.Command, Client: "c", Name: "SCAN", Args: []string{"0"}, At: time.Now()})
	}
	requests := w.requests(time.Time{})
	last := requests[len(requests)-1]
	if n := len(requests); n < keptRequests || n > 2*keptRequests {
		t.Errorf("got %d requests, want about %d", n, keptRequests)
	}
	if last.Count != 10*keptCommands+1 || len(last.Commands) != keptCommands {
		t.Errorf("got %d commands, %d kept, want %d and %d", last.Count, len(last.Commands), 10*keptCommands+1, keptCommands)
	}
	if n := len(w.sample().Sorts[0].Events); n != keptEvents {
		t.Errorf("got %d events in the picture, want %d", n, keptEvents)
	}
}

// TestWire_strike: a fault waits for the commands of the one request that it is meant
// for, and is taken back when its client begins another, or is never heard of again.
func TestWire_strike(t *testing.T) {
	var log []string
	w := newWire()
	w.throws(func(r unit.WireRequest) (tap.Fault, bool) {
		return tap.Fault{Kind: tap.Cut, After: 2, Times: 1}, r.Actor == "passenger"
	}, func(f tap.Fault) (func(), error) {
		log = append(log, fmt.Sprintf("%v after %d of %s at %s", f.Kind, f.After, f.Command, f.Client))
		return func() { log = append(log, "clear "+f.Client) }, nil
	})
	now := time.Now()
	begin := func(client, name string) {
		w.see(trace.Event{Kind: trace.Command, Client: client, Name: "PING", Args: []string{name}, At: now})
	}
	begin("office-1", "POST /bookings/1|passenger")
	begin("office-2", "POST /bookings/2|passenger")
	begin("office-3", "GET /sailings/1|screen")
	begin("office-1", "GET /sailings/1|screen") // the fault was not met
	now = now.Add(2 * strikeLimit)
	begin("office-3", "GET /sailings/1|screen") // office-2 has ended
	want := []string{"cut after 2 of [^PC]* at office-1", "cut after 2 of [^PC]* at office-2", "clear office-1", "clear office-2"}
	if !slices.Equal(log, want) {
		t.Errorf("got %q, want %q", log, want)
	}
}
