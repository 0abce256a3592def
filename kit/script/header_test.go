package script_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-grind/grind/kit/redistest"
	"github.com/redis-grind/grind/kit/script"
)

const full = `#!lua flags=allow-oom
-- take.lua: takes from a bucket,
-- if there is enough in it.
--
-- A remark for the reader. KEYS are not parsed here.
--
-- KEYS[1]   bucket  hash: tokens, at_us
-- ARGV[1]   cost    tokens, 1 to burst
-- ARGV[2]   ttl_ms  milliseconds,
--                   more than 0
-- ARGV[3..] tags    any number
-- Returns {allowed, left}
-- Complexity O(1)
local x = KEYS[1] .. ARGV[2] -- not KEYS[9]
return {1, ARGV[7]}
`

func contains(err error, want string) bool { return strings.Contains(err.Error(), want) }

func TestNew(t *testing.T) {
	t.Parallel()
	want := script.Header{
		Name:    "take.lua",
		Purpose: "takes from a bucket, if there is enough in it.",
		Keys:    []script.Param{{Name: "bucket", Doc: "hash: tokens, at_us"}},
		Args: []script.Param{
			{Name: "cost", Doc: "tokens, 1 to burst"},
			{Name: "ttl_ms", Doc: "milliseconds, more than 0"},
			{Name: "tags", Doc: "any number", Variadic: true},
		},
		Returns:    "{allowed, left}",
		Complexity: "O(1)",
	}
	for name, src := range map[string]string{"unix": full, "windows": strings.ReplaceAll(full, "\n", "\r\n")} {
		s, err := script.New(src)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, s.Header()); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, old, new, says string }{
		{"no title", "-- take.lua: takes", "-- takes", "line 2"},
		{"empty source", full, "", "name.lua: purpose"},
		{"only code", full, "return 1", "name.lua: purpose"},
		{"no keys", "-- KEYS[1]   bucket  hash: tokens, at_us\n", "", "KEYS"},
		{"keys and none", "-- KEYS[1] ", "-- KEYS none\n-- KEYS[1] ", "KEYS none"},
		{"no arguments", full[strings.Index(full, "-- ARGV[1]"):strings.Index(full, "-- Returns")], "", "ARGV"},
		{"gap", "ARGV[2]   ttl_ms", "ARGV[4]   ttl_ms", "ARGV[2] is due"},
		{"twice", "ARGV[2]   ttl_ms", "ARGV[1]   ttl_ms", "line 9"},
		{"from zero", "KEYS[1]   bucket", "KEYS[0]   bucket", "KEYS[1] is due"},
		{"after the variadic one", "-- Returns", "-- ARGV[4] more text\n-- Returns", "variadic"},
		{"no name", "KEYS[1]   bucket  hash: tokens, at_us", "KEYS[1]", "line 7"},
		{"no doc", "bucket  hash: tokens, at_us", "bucket", "bucket"},
		{"malformed", "KEYS[1]   bucket", "KEYS(1)   bucket", "line 7"},
		{"no returns", "-- Returns {allowed, left}\n", "", "Returns"},
		{"two returns", "-- Complexity", "-- Returns x\n-- Complexity", "second Returns"},
		{"no complexity", "-- Complexity O(1)\n", "", "Complexity"},
		{"undeclared key", "local x = KEYS[1]", "local x = KEYS[2]", "KEYS[2]"},
		{"undeclared argument", "ARGV[3..] tags    any number", "", "ARGV[7]"},
		{"no such number", "local x = KEYS[1]", "local x = KEYS[99999999999999999999]", "KEYS[9999"},
	} {
		if !strings.Contains(full, tt.old) {
			t.Fatalf("%s: the header has no %q", tt.name, tt.old)
		}
		_, err := script.New(strings.Replace(full, tt.old, tt.new, 1))
		if !errors.Is(err, script.ErrHeader) || !contains(err, tt.says) {
			t.Errorf("%s: got %v, want ErrHeader that says %q", tt.name, err, tt.says)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Must of a bad source did not panic")
		}
	}()
	script.Must("return 1")
}

// The header is a contract: a call with other numbers is refused.
func TestScript_Run_arity(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	s := script.Must(full)
	for _, tt := range []struct {
		keys int
		args []any
		says string // empty when the call is right
	}{
		{1, []any{1, 2}, ""}, {1, []any{1, 2, "a", "b", "c", "d", "e"}, ""},
		{0, []any{1, 2}, "got 0 KEYS, want 1 (bucket)"}, {2, []any{1, 2}, "got 2 KEYS"},
		{1, []any{1}, "got 1 ARGV, want at least 2 (cost, ttl_ms, tags…)"},
	} {
		err := s.Run(t.Context(), c, []string{"{a}", "{a}b"}[:tt.keys], tt.args...).Err()
		switch {
		case tt.says == "" && err != nil:
			t.Errorf("%d keys, %d arguments: %v", tt.keys, len(tt.args), err)
		case tt.says != "" && (!errors.Is(err, script.ErrArgument) || !contains(err, tt.says)):
			t.Errorf("%d keys, %d arguments: got %v, want ErrArgument that says %q", tt.keys, len(tt.args), err, tt.says)
		}
	}
}

func FuzzNew(f *testing.F) {
	f.Add(full)
	f.Add(header + "return 1")
	f.Add("-- a.lua: b\n-- KEYS none\n-- ARGV none\n-- Returns c\n-- Complexity d")
	f.Fuzz(func(t *testing.T, src string) {
		s, err := script.New(src)
		if err != nil {
			if !errors.Is(err, script.ErrHeader) {
				t.Errorf("got %v, want ErrHeader", err)
			}
			return
		}
		if h := s.Header(); h.Name == "" || h.Purpose == "" || h.Returns == "" || h.Complexity == "" {
			t.Errorf("New accepted a header with a hole: %+v", h)
		}
	})
}
