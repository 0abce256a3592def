package script

import (
	"context"
	"fmt"
	"regexp"

	"github.com/redis/go-redis/v9"
)

// Library is a library of Redis functions: Lua code that is loaded once, kept
// with the data (saved, replicated), and called by name. It is immutable and
// safe for concurrent use. It needs Redis 7.0.
type Library struct{ name, src string }

// shebang is the first line of a library.
var shebang = regexp.MustCompile(`^#!lua name=([A-Za-z0-9_]+)\s`)

// NewLibrary returns the library whose source is src. It must begin with the
// line that Redis asks for, "#!lua name=mylib"; else the error is ErrHeader.
func NewLibrary(src string) (*Library, error) {
	m := shebang.FindStringSubmatch(src)
	if m == nil {
		return nil, fmt.Errorf(`%w: want a first line "#!lua name=mylib" (letters, digits and _)`, ErrHeader)
	}
	return &Library{name: m[1], src: src}, nil
}

// MustLibrary is NewLibrary for sources that are part of the program. It panics
// where NewLibrary returns an error.
func MustLibrary(src string) *Library {
	l, err := NewLibrary(src)
	if err != nil {
		panic(err)
	}
	return l
}

// Name returns the library's name.
func (l *Library) Name() string { return l.name }

// Load puts the library on the server, in a cluster on every master, in place
// of an older one of its name. Call it once when a new version is deployed:
// unlike a script, a function has no digest, and Run cannot see that the server
// holds another version. Repeating it is safe.
//
// Redis: 1 round trip (a master), FUNCTION LOAD REPLACE; O(source).
func (l *Library) Load(ctx context.Context, c Client) error {
	load := func(ctx context.Context, c Client) error {
		return c.Process(ctx, redis.NewStringCmd(ctx, "function", "load", "replace", l.src))
	}
	var err error
	if cluster, ok := c.(interface {
		ForEachMaster(ctx context.Context, fn func(context.Context, *redis.Client) error) error
	}); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return load(ctx, node) })
	} else {
		err = load(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("script: load library %q: %w", l.name, err)
	}
	return nil
}

// Function returns the library's function of that name. Idempotent means for it
// what it means for a script.
func (l *Library) Function(name string, opts ...Option) *Function {
	return &Function{library: l, name: name, idempotent: configOf(opts).idempotent}
}

// Function is one function of a Library. It is immutable and safe for
// concurrent use.
type Function struct {
	library    *Library
	name       string
	idempotent bool
}

// Run calls the function. Keys, arguments, errors and what a timeout means are
// as with Script.Run, but that their number is not checked. A server that does
// not know the function gets the library first.
//
// Redis: 1 round trip, FCALL; 2 more when the library was not loaded.
func (f *Function) Run(ctx context.Context, c Client, keys []string, args ...any) Result {
	argv, err := command("fcall", f.name, keys, args)
	if err != nil {
		return f.failed(keys, err)
	}
	val, err := process(ctx, c, !f.idempotent, argv)
	if unknownFunction(err) {
		if err := f.library.Load(ctx, c); err != nil {
			return Result{name: f.name, err: err}
		}
		argv, _ = command("fcall", f.name, keys, args)
		val, err = process(ctx, c, !f.idempotent, argv)
	}
	if err != nil {
		return f.failed(keys, err)
	}
	return Result{name: f.name, val: val}
}

// failed is a Result that holds an error, with the function and its first key.
func (f *Function) failed(keys []string, err error) Result {
	name := f.library.name + "." + f.name
	return Result{name: name, err: describe(name, keys, err)}
}
