package tap_test

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/kit/redistest"
)

// step is one thing a client does on its bare connection, or another client
// does meanwhile.
type step struct {
	send  string // inline commands, one per line; or RESP if it begins with *
	other string // a command that another client sends straight to the server
	until string // what the stream must have brought before the next step
}

// volatile is what differs between two equal conversations.
var volatile = regexp.MustCompile(`id\r\n:\d+|\d+\.\d+ \[0 \S+\]|(sub|psub|ssub)=\S+`)

// converse plays the steps at addr and returns all bytes that came back.
func converse(t *testing.T, addr string, steps []step) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	other := redistest.Client(t)
	other.Ping(t.Context()) // so that MONITOR does not see its handshake
	var got strings.Builder
	buf := make([]byte, 4096)
	for i, s := range steps {
		if s.other != "" {
			var args []any
			for w := range strings.FieldsSeq(s.other) {
				args = append(args, w)
			}
			if err := other.Do(t.Context(), args...).Err(); err != nil {
				t.Fatalf("step %d: %s: %v", i, s.other, err)
			}
		}
		if s.send != "" {
			text := s.send
			if text[0] != '*' {
				text = strings.ReplaceAll(text, "\n", "\r\n") + "\r\n"
			}
			if _, err := c.Write([]byte(text)); err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
		}
		for from := got.Len(); !strings.Contains(got.String()[from:], s.until); {
			n, err := c.Read(buf)
			got.Write(buf[:n])
			if err != nil {
				t.Fatalf("step %d: got %q and then %v, want %q", i, got.String()[from:], err, s.until)
			}
		}
	}
	return volatile.ReplaceAllString(got.String(), "*")
}

// show is an event in a line: its kind if it is no command, the command and
// its reply. Where the rest is the server's own affair, wants end in "…".
func show(e trace.Event) string {
	s := volatile.ReplaceAllString(e.Line(), "*")
	switch e.Kind {
	case trace.Push:
		return fmt.Sprintf("push %s %s", e.Name, volatile.ReplaceAllString(e.Reply.Text, "*"))
	case trace.Handshake:
		s = "handshake " + s
	}
	if e.Tx {
		s = "tx " + s
	}
	if e.Reply.Type == "" {
		return s + " → nothing"
	}
	return fmt.Sprintf("%s → %s %s", s, e.Reply.Type, e.Reply.Text)
}

func TestTap_Pairs(t *testing.T) {
	for _, tc := range []struct {
		name  string
		steps []step
		want  []string
	}{
		{"pipeline", []step{{send: "SET {p}a 1\nINCR {p}a\nGET {p}a\nGET {p}none\nNOSUCH x\nPING end", until: "end"}}, []string{
			"SET {p}a 1 → simple OK", "INCR {p}a → integer 2", `GET {p}a → bulk "2"`, "GET {p}none → nil (nil)",
			"NOSUCH x → error ERR unknown command…", `PING end → bulk "end"`,
		}},
		{"transaction", []step{{send: "MULTI\nSET {p}t 1\nSELECT 0\nGET {p}t\nEXEC\nMULTI\nDISCARD\nPING end", until: "end"}}, []string{
			"tx MULTI → simple OK", "tx SET {p}t 1 → simple QUEUED", "tx SELECT 0 → simple QUEUED", "tx GET {p}t → simple QUEUED",
			`tx EXEC → array [OK, OK, "1"]`, "tx MULTI → simple OK", "tx DISCARD → simple OK", `PING end → bulk "end"`,
		}},
		{"transaction refused", []step{{send: "MULTI\nNOSUCH\nEXEC\nPING end", until: "end"}}, []string{
			"tx MULTI → simple OK", "tx NOSUCH → error ERR unknown command…", "tx EXEC → error EXECABORT Transaction discarded because of previous errors.",
			`PING end → bulk "end"`,
		}},
		{"reset in a transaction", []step{
			{send: "HELLO 3", until: "modules"}, {send: "SUBSCRIBE {p}c1\nMULTI\nPING\nRESET\nGET {p}t\nPING end", until: "end"},
		}, []string{
			"handshake HELLO 3 → map…", `SUBSCRIBE {p}c1 → push ["subscribe", "{p}c1", 1]`, "tx MULTI → simple OK", "tx PING → simple QUEUED",
			"tx RESET → simple RESET", "GET {p}t → nil (nil)", `PING end → bulk "end"`,
		}},
		{"blocking", []step{{send: "BLPOP {p}list 5\nPING end"}, {other: "RPUSH {p}list x", until: "end"}}, []string{
			`BLPOP {p}list 5 → array ["{p}list", "x"]`, `PING end → bulk "end"`,
		}},
		{"subscriber in RESP2", []step{
			{send: "SUBSCRIBE {p}c1 {p}c2 {p}c1\nPSUBSCRIBE {p}q*", until: ":3\r\n"},
			{other: "PUBLISH {p}c1 hello", until: "hello"},
			{send: "PING", until: "pong"},
			{send: "NOSUCH", until: "ERR"},
			{other: "PUBLISH {p}q1 there", until: "there"},
			{send: "UNSUBSCRIBE\nPUNSUBSCRIBE\nUNSUBSCRIBE\nPING end", until: "end"},
		}, []string{
			`SUBSCRIBE {p}c1 {p}c2 {p}c1 → array ["subscribe", "{p}c1", 2]`,
			`PSUBSCRIBE {p}q* → array ["psubscribe", "{p}q*", 3]`,
			`push MESSAGE ["message", "{p}c1", "hello"]`,
			`PING → array ["pong", ""]`, "NOSUCH → error ERR unknown command…", `push PMESSAGE ["pmessage", "{p}q*", "{p}q1", "there"]`,
			"UNSUBSCRIBE → array…", `PUNSUBSCRIBE → array ["punsubscribe", "{p}q*", 0]`, `UNSUBSCRIBE → array ["unsubscribe", (nil), 0]`,
			`PING end → bulk "end"`,
		}},
		{"shard subscriber", []step{
			{send: "SSUBSCRIBE {p}s1 {p}s2", until: ":2\r\n"}, {other: "SPUBLISH {p}s1 hello", until: "hello"},
			{send: "SUNSUBSCRIBE\nPING end", until: "end"},
		}, []string{
			"SSUBSCRIBE {p}s1 {p}s2 → array…", `push SMESSAGE ["smessage", "{p}s1", "hello"]`, "SUNSUBSCRIBE → array…", `PING end → bulk "end"`,
		}},
		{"subscriber in RESP3", []step{
			{send: "HELLO 3", until: "modules"},
			{send: "SUBSCRIBE {p}c1\nLPUSH {p}m x {p}c1 message\nLRANGE {p}m 0 -1\nPUBLISH {p}c1 self\nDEL {p}m\nUNSUBSCRIBE\nPING end", until: "end"},
		}, []string{
			"handshake HELLO 3 → map…", `SUBSCRIBE {p}c1 → push ["subscribe", "{p}c1", 1]`, "LPUSH {p}m x {p}c1 message → integer 3",
			`LRANGE {p}m 0 -1 → array ["message", "{p}c1", "x"]`, "PUBLISH {p}c1 self → integer 1",
			"DEL {p}m → integer 1", `UNSUBSCRIBE → push ["unsubscribe", "{p}c1", 0]`, `PING end → bulk "end"`,
			`push MESSAGE ["message", "{p}c1", "self"]`,
		}},
		{"invalidation in RESP3", []step{
			{send: "HELLO 3\nCLIENT TRACKING ON\nGET {p}i", until: "_"}, {other: "SET {p}i 1", until: "invalidate"},
			{send: "CLIENT TRACKING OFF\nPING end", until: "end"},
		}, []string{
			"handshake HELLO 3 → map…", "CLIENT TRACKING ON → simple OK", "GET {p}i → nil (nil)", `push INVALIDATE ["invalidate", ["{p}i"]]`,
			"CLIENT TRACKING OFF → simple OK", `PING end → bulk "end"`,
		}},
		{"types of RESP3", []step{
			{send: "HELLO 3\nHSET {p}h f v\nHGETALL {p}h\nSADD {p}set m\nSMEMBERS {p}set\nZADD {p}z 1.5 m\nZSCORE {p}z m", until: ",1.5"},
			{send: "DEBUG PROTOCOL ATTRIB\nDEBUG PROTOCOL VERBATIM\nDEBUG PROTOCOL BIGNUM\nDEBUG PROTOCOL TRUE\nDEBUG PROTOCOL PUSH\nDEBUG PROTOCOL NULL\nDEL {p}h {p}set {p}z\nHELLO 2\nPING end", until: "end"},
		}, []string{
			"handshake HELLO 3 → map…", "HSET {p}h f v → integer 1", `HGETALL {p}h → map {"f": "v"}`, "SADD {p}set m → integer 1",
			`SMEMBERS {p}set → set {"m"}`, "ZADD {p}z 1.5 m → integer 1", "ZSCORE {p}z m → double 1.5",
			`DEBUG PROTOCOL ATTRIB → bulk "Some real reply following the attribute"`, `DEBUG PROTOCOL VERBATIM → verbatim "This is a verbatim\nstring"`,
			"DEBUG PROTOCOL BIGNUM → bignumber 1234567999999999999999999999999999999", "DEBUG PROTOCOL TRUE → boolean true",
			`DEBUG PROTOCOL PUSH → bulk "Some real reply following the push reply"`, "DEBUG PROTOCOL NULL → nil (nil)",
			"DEL {p}h {p}set {p}z → integer 3", "handshake HELLO 2 → array…", `PING end → bulk "end"`,
			`push SERVER-CPU-USAGE ["server-cpu-usage", 42]`,
		}},
		{"replies off", []step{
			{send: "CLIENT REPLY SKIP\nSET {p}r 1\nGET {p}r\nCLIENT REPLY OFF\nSET {p}r 2\nPING\nCLIENT REPLY SKIP\nCLIENT REPLY ON\nGET {p}r\nPING end", until: "end"},
		}, []string{
			"CLIENT REPLY SKIP → nothing", "SET {p}r 1 → nothing", `GET {p}r → bulk "1"`, "CLIENT REPLY OFF → nothing", "SET {p}r 2 → nothing",
			"PING → nothing", "CLIENT REPLY SKIP → nothing", "CLIENT REPLY ON → simple OK", `GET {p}r → bulk "2"`, `PING end → bulk "end"`,
		}},
		{"monitor", []step{
			{send: "MONITOR", until: "OK"}, {other: "EXISTS {p}mon", until: "EXISTS"}, {send: "RESET\nPING end", until: "end"},
		}, []string{"MONITOR → simple OK", `push MONITOR * "EXISTS" "{p}mon"`, "RESET → simple RESET", `PING end → bulk "end"`}},
		{"inline and multibulk mixed", []step{
			{send: "*2\r\n$3\r\nget\r\n$4\r\n{p}x\r\n*0\r\n\r\n*-1\r\nset {p}x \"a \\x41\\n\" \r\n*2\r\n$4\r\nPING\r\n$3\r\nend\r\n", until: "end"},
		}, []string{"GET {p}x → nil (nil)", `SET {p}x "a A\n" → simple OK`, `PING end → bulk "end"`}},
		{"handshake", []step{
			{send: "COMMAND COUNT\nHELLO 2 SETNAME api\nCLIENT SETINFO lib-name x\nSELECT 0\nCLIENT GETNAME\nCOMMAND COUNT\nCLIENT SETNAME worker\nAUTH secret\nPING end", until: "end"},
		}, []string{
			"handshake COMMAND COUNT → integer…", "handshake HELLO 2 SETNAME api → array…", "handshake CLIENT SETINFO lib-name x → error…",
			"handshake SELECT 0 → simple OK", `CLIENT GETNAME → bulk "api"`, "COMMAND COUNT → integer…", "handshake CLIENT SETNAME worker → simple OK",
			"handshake AUTH *** → error…", `PING end → bulk "end"`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tp, rec := start(t, tap.Options{})
			clean := func() { redistest.Client(t).Del(t.Context(), "{p}a", "{p}t", "{p}r", "{p}x", "{p}i") }
			clean()
			direct := converse(t, redistest.Addr(t), tc.steps)
			clean()
			tapped := converse(t, tp.Addr(), tc.steps)
			if diff := cmp.Diff(direct, tapped); diff != "" {
				t.Errorf("bytes differ (-direct +tapped):\n%s", diff)
			}
			var got []string
			for _, e := range rec.Events() {
				if e.Kind != trace.Open && e.Kind != trace.Close {
					got = append(got, show(e))
				}
			}
			for i := range max(len(got), len(tc.want)) {
				g, w := "", ""
				if i < len(got) {
					g = got[i]
				}
				if i < len(tc.want) {
					w = tc.want[i]
				}
				if p, cut := strings.CutSuffix(w, "…"); g != w && !(cut && strings.HasPrefix(g, p)) {
					t.Errorf("event %d:\n got %s\nwant %s", i, g, w)
				}
			}
			if s := tp.Stats(); s.Unpaired != 0 || s.Unparsed != 0 {
				t.Errorf("got %d unpaired replies and %d unparsed connections, want none", s.Unpaired, s.Unparsed)
			}
		})
	}
}
