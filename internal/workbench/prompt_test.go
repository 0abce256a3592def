package workbench

import (
	"bufio"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/redis-grind/grind/internal/trace"
)

func TestSplitLine(t *testing.T) {
	for _, tc := range []struct {
		line string
		want []string
	}{
		{"", nil},
		{"   ", nil},
		{"GET key", []string{"GET", "key"}},
		{"  SET\tkey  value ", []string{"SET", "key", "value"}},
		{`SET key "hello world"`, []string{"SET", "key", "hello world"}},
		{`SET key 'hello world'`, []string{"SET", "key", "hello world"}},
		{`SET key ""`, []string{"SET", "key", ""}},
		{`SET key "a\n\r\t\b\a\"\\\x41\xff"`, []string{"SET", "key", "a\n\r\t\b\a\"\\A\xff"}},
		{`SET key 'it\'s \n'`, []string{"SET", "key", `it's \n`}},
		{`SET key a\nb`, []string{"SET", "key", `a\nb`}},
		{`SET key "\xg1\q"`, []string{"SET", "key", "xg1q"}},
		{`SET key pre"fix ed"`, []string{"SET", "key", "prefix ed"}},
		{`SET schlüssel ☃`, []string{"SET", "schlüssel", "☃"}},
	} {
		got, err := splitLine(tc.line)
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%q: got %q and %v, want %q", tc.line, got, err, tc.want)
		}
	}
	for _, line := range []string{`SET key "open`, `SET key 'open`, `SET key "a"b`, `SET key 'a'b`, `"`, `"\"`, `'\'`} {
		if got, err := splitLine(line); !errors.Is(err, errQuotes) {
			t.Errorf("%q: got %q and %v, want %v", line, got, err, errQuotes)
		}
	}
}

// What is quoted as redis-cli prints it comes back as it was; nothing a person
// types breaks the parser.
func FuzzSplitLine(f *testing.F) {
	for _, line := range []string{`GET key`, `SET key "a\x00b" 'c\'d'`, `"`, "\x00", `SET "\\`, `a"b c"`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitLine(line)
		if err != nil {
			return
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = trace.Quote(w)
		}
		again, err := splitLine(strings.Join(quoted, " "))
		if err != nil || !slices.Equal(again, words) {
			t.Errorf("%q: got %q and %v after quoting %q", line, again, err, words)
		}
		if len(words) > 0 {
			refusal(words) // must not panic whatever the words are
			complete(line)
		}
	})
}

func TestValue(t *testing.T) {
	for _, tc := range []struct{ wire, want string }{
		{"+OK\r\n", "OK"},
		{"-ERR no such thing\r\n", "(error) ERR no such thing"},
		{":42\r\n", "(integer) 42"},
		{"$5\r\nhello\r\n", `"hello"`},
		{"$4\r\na\n\x00\xff\r\n", `"a\n\x00\xff"`},
		{"$-1\r\n", "(nil)"},
		{"*-1\r\n", "(nil)"},
		{"*0\r\n", "(empty array)"},
		{"*2\r\n$1\r\na\r\n:1\r\n", "1) \"a\"\n2) (integer) 1"},
		{"*2\r\n*2\r\n:1\r\n:2\r\n+x\r\n", "1) 1) (integer) 1\n   2) (integer) 2\n2) x"},
		{"%1\r\n+a\r\n_\r\n", "1) a\n2) (nil)"},
		{",3.5\r\n", "(double) 3.5"},
		{"#t\r\n", "(true)"},
		{"=7\r\ntxt:abc\r\n", `"abc"`},
		{"!3\r\nERR\r\n", "(error) ERR"},
	} {
		v, err := readValue(bufio.NewReader(strings.NewReader(tc.wire)), 0)
		if err != nil || v.String() != tc.want {
			t.Errorf("%q: got %q and %v, want %q", tc.wire, v, err, tc.want)
		}
	}
	for _, wire := range []string{"", "\r\n", "+OK", "+OK\n", "$x\r\n", "$9999999999\r\n", "$3\r\nabcd\r\n", "?\r\n", strings.Repeat("*1\r\n", 99) + ":1\r\n", "+" + strings.Repeat("a", 1<<17)} {
		if v, err := readValue(bufio.NewReader(strings.NewReader(wire)), 0); err == nil {
			t.Errorf("%q: got %q and no error", clip(wire, 40), v)
		}
	}
}

func FuzzReadValue(f *testing.F) {
	for _, wire := range []string{"+OK\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n+a\r\n_\r\n", "$-1\r\n", "=7\r\ntxt:abc\r\n", "*100000000\r\n"} {
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire string) {
		if v, err := readValue(bufio.NewReader(strings.NewReader(wire)), 0); err == nil && len(v.String()) > 8*maxShown {
			t.Errorf("got %d bytes to show, want at most about %d", len(v.String()), maxShown)
		}
	})
}

func TestComplete(t *testing.T) {
	for _, tc := range []struct {
		line   string
		offers string
		from   int
		prefix string // "-" is no keys
	}{
		{"", "", 0, "-"},
		{"zsc", "ZSCAN ZSCORE", 0, "-"},
		{"GET ", "", 4, ""},
		{"GET us", "", 4, "us"},
		{"HSET user:1 na", "", 12, "na"},
		{"PUBLISH ne", "", 8, "-"},
		{`SET "a`, "", 4, "-"},
		{"nonsense x", "", 9, "-"},
		{"GET 😀 x", "", 7, "x"},
	} {
		c := complete(tc.line)
		prefix := "-"
		if c.prefix != nil {
			prefix = *c.prefix
		}
		if strings.Join(c.Offers, " ") != tc.offers || c.From != tc.from || prefix != tc.prefix {
			t.Errorf("%q: got %q from %d and keys from %q, want %q from %d and %q", tc.line, c.Offers, c.From, prefix, tc.offers, tc.from, tc.prefix)
		}
	}
}

func TestRefusal(t *testing.T) {
	for _, line := range []string{
		"SHUTDOWN", "shutdown nosave", "DEBUG SLEEP 9", "REPLICAOF a 1", "SLAVEOF NO ONE", "MODULE LOAD x", "MIGRATE h 1 k 0 9",
		"CONFIG SET dir /tmp", "config set maxmemory 1mb dbfilename x", "CONFIG SET requirepass x", "CONFIG SET maxmemoryx 1", "CONFIG REWRITE",
		"ACL SETUSER default off", "CLIENT PAUSE 9999", "CLIENT KILL TYPE normal", "SYNC", "SAVE", "HELLO 3x", "UNSUBSCRIBE",
	} {
		words, err := splitLine(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := refusal(words); !strings.Contains(got, "not sent") && !strings.Contains(got, "only") {
			t.Errorf("%q: got %q, want a refusal", line, got)
		}
	}
	for _, line := range []string{"SET a 1", "CONFIG", "CONFIG GET dir", "CONFIG SET maxmemory 100mb", "CONFIG SET hash-max-listpack-entries 4", "ACL WHOAMI", "CLIENT ID", "HELLO 3", "FLUSHALL", "CONFIG SET"} {
		words, err := splitLine(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := refusal(words); got != "" {
			t.Errorf("%q: got the refusal %q, want none", line, got)
		}
	}
}
