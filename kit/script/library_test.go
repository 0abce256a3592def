package script_test

import (
	"errors"
	"testing"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
	"github.com/redis-grind/grind/kit/script"
)

const librarySource = `#!lua name=counters
redis.register_function('add', function(keys, args)
	return redis.call('INCRBY', keys[1], args[1])
end)
`

func library(t testing.TB) *script.Library {
	t.Helper()
	l, err := script.NewLibrary(librarySource)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A function works on a server that never saw it, and after it was flushed.
func TestFunction_Run(t *testing.T) {
	t.Parallel()
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	add := library(t).Function("add")
	for want := range int64(3) {
		n, ok, err := add.Run(t.Context(), c, []string{"n"}, 1).Int64()
		if n != want+1 || !ok || err != nil {
			t.Fatalf("Run = %d, %v, %v; want %d", n, ok, err, want+1)
		}
		if err := c.FunctionFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFunction_Run_replyLost(t *testing.T) {
	t.Parallel()
	var l lossy
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}), l.dialer)
	add := library(t).Function("add")
	if err := add.Run(t.Context(), c, []string{"n"}, 1).Err(); err != nil {
		t.Fatal(err)
	}
	l.lose.Store(1)
	if err := add.Run(t.Context(), c, []string{"n"}, 1).Err(); !errors.Is(err, script.ErrUnknown) {
		t.Errorf("Run = %v, want ErrUnknown", err)
	}
	if got, err := c.Get(t.Context(), "n").Int(); got != 2 || err != nil {
		t.Errorf("two runs made %d (%v), want 2", got, err)
	}
}

func TestFunction_Run_errors(t *testing.T) {
	t.Parallel()
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	l := library(t)
	if err := l.Function("add").Run(t.Context(), c, []string{"{a}", "{b}"}, 1).Err(); !errors.Is(err, script.ErrCrossSlot) {
		t.Errorf("keys of two slots: %v, want ErrCrossSlot", err)
	}
	if err := l.Function("nosuch").Run(t.Context(), c, nil).Err(); err == nil || errors.Is(err, script.ErrUnknown) {
		t.Errorf("a function the library has not: %v, want the server's error", err)
	}
}

// A new version takes the place of the old one.
func TestLibrary_Load(t *testing.T) {
	t.Parallel()
	c := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	for _, version := range []string{"one", "two"} {
		l := script.MustLibrary("#!lua name=mylib\nredis.register_function('version', function() return '" + version + "' end)")
		if err := l.Load(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if got, _, err := l.Function("version").Run(t.Context(), c, nil).Text(); got != version || err != nil {
			t.Errorf("version = %q, %v; want %q", got, err, version)
		}
	}
	if err := script.MustLibrary("#!lua name=broken\n(").Load(t.Context(), c); err == nil {
		t.Error("Load of a library that does not compile succeeded")
	}
}

func TestNewLibrary_refuses(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "return 1", "#!lua", "#!lua name=", "#!lua name=my-lib\n", "\n#!lua name=x\n"} {
		if _, err := script.NewLibrary(src); !errors.Is(err, script.ErrHeader) {
			t.Errorf("NewLibrary(%q) = %v, want ErrHeader", src, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("MustLibrary of a bad source did not panic")
		}
	}()
	script.MustLibrary("")
}
