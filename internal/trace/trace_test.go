package trace_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-grind/grind/internal/trace"
)

func TestEvent_Line(t *testing.T) {
	for _, tc := range []struct {
		event trace.Event
		want  string
	}{
		{trace.Event{Kind: trace.Command, Name: "GET", Args: []string{"likes:42"}}, "GET likes:42"},
		{trace.Event{Kind: trace.Command, Name: "PING"}, "PING"},
		{trace.Event{Kind: trace.Command, Name: "SET", Args: []string{"k", "hello world", ""}}, `SET k "hello world" ""`},
		{trace.Event{Kind: trace.Command, Name: "SET", Args: []string{`a"b`, `a\b`, "it's"}}, `SET "a\"b" "a\\b" "it's"`},
		{trace.Event{Kind: trace.Command, Name: "SET", Args: []string{"\x00\xff\r\n\t", "é", "a\u200bb"}}, `SET "\x00\xff\r\n\t" é "a\xe2\x80\x8bb"`},
		{trace.Event{Kind: trace.Command, Name: "MGET", Args: []string{"a"}, More: 8}, "MGET a … 8 more"},
		{trace.Event{Kind: trace.Push, Reply: trace.Reply{Text: `["message", "c", "x"]`}}, `push ["message", "c", "x"]`},
		{trace.Event{Kind: trace.Open}, "open"},
	} {
		if got := tc.event.Line(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, s := range []string{strings.Repeat("x", 1000), strings.Repeat("é", 1000), "a" + strings.Repeat("é", 1000), strings.Repeat("€", 1000)} {
		got := trace.Cut(s)
		if !utf8.ValidString(got) || !strings.HasSuffix(got, "…") || len(got) > trace.MaxText+len("…") || len(got) < trace.MaxText {
			t.Errorf("Cut(%.8s…): got %d bytes ending in %q, want about %d whole characters and …", s, len(got), got[len(got)-6:], trace.MaxText)
		}
	}
	if s := strings.Repeat("x", trace.MaxText); trace.Cut(s) != s {
		t.Errorf("Cut of exactly MaxText bytes: got %q, want it whole", trace.Cut(s))
	}
}

func TestFirstKey(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"GET k", "k"}, {"PING x", ""}, {"MULTI", ""}, {"UNKNOWN k", "k"}, {"GET", ""},
		{"EVALSHA sha 1 k arg", "k"}, {"EVAL s 0 arg", ""}, {"EVAL s", ""}, {"FCALL f x k", ""},
		{"XREAD COUNT 1 STREAMS k 0", "k"}, {"XREADGROUP GROUP g c streams k >", "k"}, {"XREAD STREAMS", ""},
		{"OBJECT ENCODING k", "k"}, {"MEMORY USAGE k", "k"}, {"XGROUP CREATE k g 0", "k"}, {"BITOP AND d a b", "d"},
		{"ZUNION 2 a b", "a"}, {"BLMPOP 0 1 k LEFT", "k"}, {"SUBSCRIBE c", ""}, {"SPUBLISH c m", "c"}, {"CONFIG GET x", ""},
		{"MIGRATE h 1 k 0 5", "k"}, {"ZADD k 1 m", "k"}, {"BLPOP k 0", "k"},
	} {
		f := strings.Fields(tc.line)
		if got := trace.FirstKey(f[0], f[1:]); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.line, got, tc.want)
		}
	}
}

func TestMask(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"AUTH secret", "***"}, {"AUTH alice secret", "alice ***"}, {"AUTH alice secret secret", "alice *** ***"},
		{"HELLO 3 AUTH alice secret SETNAME api", "3 AUTH alice *** SETNAME api"}, {"HELLO 3 AUTH auth secret", "3 AUTH auth ***"},
		{"ACL SETUSER bob on >secret <secret #abc !abc ~*", "SETUSER bob on >*** <*** #*** !*** ~*"}, {"ACL WHOAMI", "WHOAMI"},
		{"CONFIG SET maxmemory 1 requirepass secret masterauth secret", "SET maxmemory 1 requirepass *** masterauth ***"},
		{"SENTINEL SET mymaster auth-pass secret", "SET mymaster auth-pass ***"},
		{"MIGRATE h 1 k 0 5 AUTH2 u secret KEYS a", "h 1 k 0 5 AUTH2 u *** KEYS a"}, {"GET secret", "secret"},
	} {
		f := strings.Fields(tc.line)
		trace.Mask(f[0], f[1:])
		if got := strings.Join(f[1:], " "); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.line, got, tc.want)
		}
	}
	for line, want := range map[string]bool{
		"CONFIG GET requirepass": true, "CONFIG GET *": true, "CONFIG GET maxmemory": false, "CONFIG SET requirepass x": false,
		"ACL GENPASS": true, "ACL LIST": true, "ACL GETUSER bob": true, "ACL SETUSER bob": true, "ACL WHOAMI": false, "GET k": false,
	} {
		f := strings.Fields(line)
		if got := trace.MasksReply(f[0], f[1:]); got != want {
			t.Errorf("MasksReply of %s: got %v, want %v", line, got, want)
		}
	}
}

func TestRecorder(t *testing.T) {
	r := trace.NewRecorder(3)
	sink := r.Sink()
	for _, e := range []trace.Event{
		{Seq: 2, Kind: trace.Handshake, Conn: 1, Trip: 1},
		{Seq: 1, Kind: trace.Open, Conn: 1},
		{Seq: 4, Kind: trace.Command, Conn: 1, Trip: 2},
		{Seq: 3, Kind: trace.Command, Conn: 2, Trip: 2},
		{Seq: 5, Kind: trace.Command, Conn: 1, Trip: 2},
	} {
		sink(e)
	}
	var seqs []uint64
	for _, e := range r.Events() {
		seqs = append(seqs, e.Seq)
	}
	if want := []uint64{3, 4, 5}; !slices.Equal(seqs, want) {
		t.Errorf("events: got %d, want the newest in order, %d", seqs, want)
	}
	if got := r.Dropped(); got != 2 {
		t.Errorf("dropped: got %d, want 2", got)
	}
	if got := r.RoundTrips(); got != 2 {
		t.Errorf("round trips: got %d, want 2", got)
	}
	if got := len(r.Commands()); got != 3 {
		t.Errorf("commands: got %d, want 3", got)
	}
	r.Reset()
	if got := len(r.Events()) + r.Dropped() + r.RoundTrips(); got != 0 {
		t.Errorf("after Reset: got %d, want nothing", got)
	}
}

func TestRecorder_concurrent(t *testing.T) {
	r := trace.NewRecorder(100)
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for trip := range 500 {
				r.Sink()(trace.Event{Seq: uint64(trip*8 + i), Kind: trace.Command, Conn: uint64(i), Trip: uint64(trip + 1)})
				r.Events()
			}
		})
	}
	writers.Wait()
	if got := r.RoundTrips(); got != 4000 {
		t.Errorf("round trips: got %d, want 4000", got)
	}
	if kept, dropped := len(r.Events()), r.Dropped(); kept != 100 || dropped != 3900 {
		t.Errorf("kept and dropped: got %d and %d, want 100 and 3900", kept, dropped)
	}
}

func TestGroups(t *testing.T) {
	at := time.Unix(0, 0)
	command := func(seq, conn, trip uint64, l trace.Label, client string, from, took time.Duration) trace.Event {
		return trace.Event{
			Seq: seq, Kind: trace.Command, Conn: conn, Trip: trip, Label: l, Client: client,
			At: at.Add(from), Duration: took, Sent: 10, Received: 5,
		}
	}
	alice := trace.Label{Actor: "alice", Request: "7f3"}
	groups := trace.Groups([]trace.Event{
		{Kind: trace.Open, Conn: 1},
		command(1, 1, 1, alice, "api", 0, 4),
		command(2, 1, 1, alice, "api", 1, 4), // the same trip: 0 to 5
		command(3, 1, 2, alice, "api", 10, 2),
		command(4, 2, 1, trace.Label{}, "api", 0, 1),
		command(5, 3, 1, trace.Label{}, "api", 0, 1), // another connection of the same client
		command(6, 4, 1, trace.Label{}, "", 0, 1),
		command(7, 1, 3, trace.Label{Request: "9"}, "", 0, 1),
		command(8, 1, 4, trace.Label{Actor: "bob"}, "", 0, 1),
	})
	var got []string
	for _, g := range groups {
		got = append(got, fmt.Sprintf("%s: %d commands, %d trips, %d/%d bytes, %d ns",
			g.Title(), len(g.Events), g.RoundTrips, g.Sent, g.Received, g.Duration))
	}
	want := []string{
		"request 7f3 of alice: 3 commands, 2 trips, 30/15 bytes, 7 ns",
		"client api: 2 commands, 2 trips, 20/10 bytes, 2 ns",
		"connection 4: 1 commands, 1 trips, 10/5 bytes, 1 ns",
		"request 9: 1 commands, 1 trips, 10/5 bytes, 1 ns",
		"bob: 1 commands, 1 trips, 10/5 bytes, 1 ns",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStrip(t *testing.T) {
	in := []trace.Event{
		{Kind: trace.Command, Name: "MGET", Args: []string{"u1:a", "u1:b", "xu1:"}, Reply: trace.Reply{Type: "array", Text: `["u1:a", "xu1:"]`}},
		{Kind: trace.Command, Name: "PING", Reply: trace.Reply{Type: "error", Text: `"u1:a"`}},
	}
	want := []trace.Event{
		{Kind: trace.Command, Name: "MGET", Args: []string{"a", "b", "xu1:"}, Reply: trace.Reply{Type: "array", Text: `["a", "xu1:"]`}},
		{Kind: trace.Command, Name: "PING", Reply: trace.Reply{Type: "error", Text: `"u1:a"`}},
	}
	if diff := cmp.Diff(want, trace.Strip(in, "u1:")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if in[0].Args[0] != "u1:a" {
		t.Errorf("the original: got %q, want it unchanged", in[0].Args[0])
	}
}
