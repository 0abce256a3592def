package tap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-grind/grind/internal/trace"
)

// requests parses pieces and describes the commands found, and where a
// protocol error ended it.
func requests(pieces ...string) (found []string) {
	var p request
	for _, s := range pieces {
		for b := []byte(s); len(b) > 0; {
			n, done, err := p.next(b)
			if err != nil {
				return append(found, "error")
			}
			if !done && n != len(b) {
				return append(found, fmt.Sprintf("stopped at %d of %d", n, len(b)))
			}
			if b = b[n:]; done {
				name := string(p.arg(0))
				args, more := p.picture(name)
				found = append(found, fmt.Sprintf("%q %q +%d, %d bytes", name, args, more, p.size))
			}
		}
	}
	if !p.idle() {
		found = append(found, "unfinished")
	}
	return found
}

// replies does the same for a server's stream.
func replies(pieces ...string) (found []string) {
	var p reply
	for _, s := range pieces {
		for b := []byte(s); len(b) > 0; {
			n, done, err := p.next(b)
			if err != nil {
				return append(found, "error")
			}
			if !done && n != len(b) {
				return append(found, fmt.Sprintf("stopped at %d of %d", n, len(b)))
			}
			if b = b[n:]; done {
				r := p.picture()
				found = append(found, fmt.Sprintf("%s %s, %d bytes, first %q, last %d", r.Type, r.Text, p.size, p.first, p.last))
			}
		}
	}
	if !p.idle() {
		found = append(found, "unfinished")
	}
	return found
}

func TestRequest(t *testing.T) {
	long := strings.Repeat("é", trace.MaxText)
	for _, tc := range []struct {
		in   string
		want []string
	}{
		{"*1\r\n$4\r\nping\r\n", []string{`"PING" [] +0, 14 bytes`}},
		{"PING\r\nset a 'b\\'c' \"\\x41\\n\"\n", []string{`"PING" [] +0, 6 bytes`, `"SET" ["a" "b'c" "A\n"] +0, 22 bytes`}},
		{"\r\n\n*0\r\n*-1\r\nPING\r\n", []string{`"PING" [] +0, 6 bytes`}},
		{"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", []string{`"GET" [""] +0, 19 bytes`}},
		{"*2\r\n$3\r\nGET\r\n$512\r\n" + long + "\r\n", []string{`"GET" ["` + strings.Repeat("é", 128) + `…"] +0, 533 bytes`}},
		{"MGET" + strings.Repeat(" k", 40) + "\n", []string{fmt.Sprintf(`"MGET" %q +8, 85 bytes`, strings.Fields(strings.Repeat("k ", 32)))}},
		{"AUTH alice secret\nHELLO 3 auth alice secret setname x\nacl setuser bob on >secret ~*\nCONFIG SET requirepass secret\n", []string{
			`"AUTH" ["alice" "***"] +0, 18 bytes`, `"HELLO" ["3" "auth" "alice" "***" "setname" "x"] +0, 36 bytes`,
			`"ACL" ["setuser" "bob" "on" ">***" "~*"] +0, 30 bytes`, `"CONFIG" ["SET" "requirepass" "***"] +0, 30 bytes`,
		}},
		{"*2\r\n$3\r\nGET\r\n:1\r\n", []string{"error"}},
		{"*1\r\n$-1\r\n", []string{"error"}},
		{"*1\r\n$4\r\nPINGxx", []string{"error"}},
		{"*x\r\n", []string{"error"}},
		{"get \"open\n", []string{"error"}},
		{strings.Repeat("x", maxInline+1), []string{"error"}},
		{"*1\r\n$4\r\nPI", []string{"unfinished"}},
	} {
		if diff := cmp.Diff(tc.want, requests(tc.in)); diff != "" {
			t.Errorf("%.60q (-want +got):\n%s", tc.in, diff)
		}
	}
}

func TestReply(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want []string
	}{
		{"+OK\r\n-ERR no\r\n:42\r\n$3\r\na\"b\r\n$-1\r\n$0\r\n\r\n", []string{
			`simple OK, 5 bytes, first "", last 0`, `error ERR no, 9 bytes, first "", last 0`, `integer 42, 5 bytes, first "", last 0`,
			`bulk "a\"b", 9 bytes, first "", last 0`, `nil (nil), 5 bytes, first "", last 0`, `bulk "", 6 bytes, first "", last 0`,
		}},
		{"*3\r\n$7\r\nmessage\r\n*-1\r\n:7\r\n*0\r\n*-1\r\n", []string{
			`array ["message", (nil), 7], 26 bytes, first "message", last 7`, `array [], 4 bytes, first "", last 0`, `nil (nil), 5 bytes, first "", last 0`,
		}},
		{"%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n", []string{`map {a: 1, b: [(nil)]}, 23 bytes, first "a", last 1`}},
		{"~1\r\n#t\r\n,1.5\r\n(99\r\n=6\r\ntxt:hi\r\n!3\r\nERR\r\n_\r\n", []string{
			`set {true}, 8 bytes, first "t", last 0`, `double 1.5, 6 bytes, first "", last 0`, `bignumber 99, 5 bytes, first "", last 0`,
			`verbatim "hi", 12 bytes, first "", last 0`, `error ERR, 9 bytes, first "", last 0`, `nil (nil), 3 bytes, first "", last 0`,
		}},
		// An attribute describes what follows; a push may stand in the middle of a reply.
		{"|1\r\n+ttl\r\n:5\r\n*2\r\n:1\r\n>2\r\n+message\r\n+x\r\n:2\r\n", []string{
			`push [message, x], 18 bytes, first "message", last 0`, `array [1, 2], 26 bytes, first "1", last 2`,
		}},
		{"$300\r\n" + strings.Repeat("x", 300) + "\r\n", []string{`bulk "` + strings.Repeat("x", 255) + `…, 308 bytes, first "", last 0`}},
		{strings.Repeat("*1\r\n", maxDepth+1), []string{"error"}},
		{"hello\r\n", []string{"error"}},
		{"$?\r\n", []string{"error"}},
		{"*2\r\n+a\r\n", []string{"unfinished"}},
	} {
		if diff := cmp.Diff(tc.want, replies(tc.in)); diff != "" {
			t.Errorf("%.60q (-want +got):\n%s", tc.in, diff)
		}
	}
}

// FuzzParser holds that how a stream is cut into pieces changes nothing of
// what is found in it, and that nothing makes a parser panic or stand still.
func FuzzParser(f *testing.F) {
	for _, s := range []string{
		"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n*0\r\n\r\nset a \"b\\x41\"\n",
		"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$300\r\n" + strings.Repeat("x", 300) + "\r\n*1\r\n$4\r\nPING\r\n",
		"+OK\r\n$-1\r\n*2\r\n$1\r\na\r\n*1\r\n:1\r\n|1\r\n+a\r\n+b\r\n%1\r\n+k\r\n~1\r\n_\r\n>2\r\n+x\r\n+y\r\n",
		"|1\r\n+ttl\r\n:5\r\n*2\r\n:1\r\n>2\r\n+message\r\n+x\r\n:2\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\n\r\n", "*-1\r\n*1\r\n$-5\r\n", "\x16\x03\x01\x02\x00\x01\x00",
	} {
		f.Add(s, uint(7), uint(3))
	}
	f.Fuzz(func(t *testing.T, s string, first, each uint) {
		cut := int(first % uint(len(s)+1))
		size := int(each%7) + 1
		pieces := []string{s[:cut]}
		for rest := s[cut:]; rest != ""; {
			n := min(size, len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		if diff := cmp.Diff(requests(s), requests(pieces...)); diff != "" {
			t.Errorf("requests in %q, whole and in %q (-whole +pieces):\n%s", s, pieces, diff)
		}
		if diff := cmp.Diff(replies(s), replies(pieces...)); diff != "" {
			t.Errorf("replies in %q, whole and in %q (-whole +pieces):\n%s", s, pieces, diff)
		}
	})
}

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "anything", true}, {"*", "", true}, {"X*", "XADD", true}, {"X*", "ZADD", false}, {"GET", "GETSET", false},
		{"likes:*:n", "likes:a/b:n", true}, {"likes:*:n", "likes:42:m", false}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"[ab]*", "beta", true}, {"[^ab]*", "beta", false}, {"[a-c]x", "cx", true}, {`a\*`, "a*", true}, {`a\*`, "ab", false},
		{"*a*b*", "xxaxxbxx", true}, {"*a*b", "ab-a", false}, {"[", "[", false}, {"a[b", "ab", true},
	} {
		if got := glob(tc.pattern, tc.s); got != tc.want {
			t.Errorf("glob(%q, %q): got %v, want %v", tc.pattern, tc.s, got, tc.want)
		}
	}
}
