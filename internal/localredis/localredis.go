package localredis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
)

// Prefix begins every key on a server that is not ours to use up.
const Prefix = "grind:"

// Kind says what sort of server was found.
type Kind string

// The sorts of server, in the order in which Open tries them.
const (
	External Kind = "external" // the one a person pointed at; it is theirs
	Private  Kind = "private"  // a process of this program, gone when it ends
	Embedded Kind = "embedded" // inside this program: counts, but no timings
)

// Options say which server to use. Zero Options take what the machine has.
type Options struct {
	// URL of a server of the user's, such as redis://user:secret@host:6379/0, as
	// connect.Options.URL; a Cluster or a master behind Sentinels is refused.
	// Empty means none.
	URL string

	// Embedded takes the embedded server although a real one is installed. It is
	// an error together with URL.
	Embedded bool
}

// Redis is the server that this run of the program works with. It is safe for
// concurrent use.
type Redis struct {
	kind     Kind
	options  *redis.Options // never handed out; Options copies it
	flavour  string         // Redis or Valkey; empty on the embedded server
	version  string         // such as 7.0.15; empty on the embedded server
	reason   string         // why the server is embedded
	suspect  string
	process  *redisproc.Server // Private
	embedded *embedded         // Embedded

	binary    redisproc.Binary
	hasBinary bool

	closeOnce sync.Once
	closeErr  error
}

// Open finds a server, or starts one: the one at Options.URL, else a private
// process of an installed redis-server or valkey-server, else the embedded
// server. ctx bounds the search and the start only. A server of the user's that
// cannot be reached is an error, that of connect.Check; it is never replaced by
// another.
//
// Redis: on a private or embedded server nothing is sent; on one of the user's
// see Suspect.
func Open(ctx context.Context, o Options) (*Redis, error) {
	if o.URL != "" && o.Embedded {
		return nil, errors.New("localredis: Options.URL and Options.Embedded exclude each other")
	}
	r := new(Redis)
	binary, err := redisproc.Find("")
	r.binary, r.hasBinary = binary, err == nil
	switch {
	case o.URL != "":
		err = r.openExternal(ctx, o.URL)
	case o.Embedded:
		err = r.openEmbedded("as asked for")
	case errors.Is(err, redisproc.ErrNotInstalled):
		err = r.openEmbedded("no redis-server found")
	case err != nil:
		err = r.openEmbedded(err.Error())
	default:
		err = r.openPrivate(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("localredis: %w", err)
	}
	return r, nil
}

// openPrivate starts the installed server. One that does not start must not
// keep a learner from beginning: the embedded server takes its place, and says
// why.
func (r *Redis) openPrivate(ctx context.Context) error {
	s, err := redisproc.Start(ctx, redisproc.Options{Binary: r.binary.Path, Name: "grind"})
	switch {
	case ctx.Err() != nil && err != nil:
		return err
	case err != nil:
		r.hasBinary = false // it is of no more use to a unit
		return r.openEmbedded(err.Error())
	}
	r.kind, r.process = Private, s
	r.options = &redis.Options{Addr: s.Addr(), Password: s.Password()}
	r.flavour, r.version = flavourName(s.Flavour()), s.Version()
	return nil
}

func (r *Redis) openEmbedded(reason string) error {
	e, err := startEmbedded(maxKeys)
	if err != nil {
		return err
	}
	r.kind, r.embedded = Embedded, e
	r.reason = strings.Join(strings.Fields(reason), " ") // on one line
	r.options = &redis.Options{Addr: e.redis.Addr()}
	return nil
}

// flavourName is how a flavour is written.
func flavourName(flavour string) string {
	if flavour == "valkey" {
		return "Valkey"
	}
	return "Redis"
}

// Process is the server's process, for who wants to break it; nil unless it is
// Private.
func (r *Redis) Process() *redisproc.Server { return r.process }

// Kind says what sort of server it is.
func (r *Redis) Kind() Kind { return r.kind }

// Options are what redis.NewClient takes to talk to the server. Each call makes
// a fresh copy, which the caller may change.
func (r *Redis) Options() *redis.Options {
	o := *r.options
	o.TLSConfig = r.options.TLSConfig.Clone()
	return &o
}

// Addr is host and port.
func (r *Redis) Addr() string { return r.options.Addr }

// TLS reports whether the connection is encrypted.
func (r *Redis) TLS() bool { return r.options.TLSConfig != nil }

// TLSConfig is a copy of what a client encrypts with; nil without TLS.
func (r *Redis) TLSConfig() *tls.Config { return r.options.TLSConfig.Clone() }

// Version is the server's, such as 7.0.15. It is empty on the embedded server,
// which is no release of Redis.
func (r *Redis) Version() string { return r.version }

// Prefix begins the name of every key that may be written: it is what keeps our
// keys apart from the user's. Nothing outside it is read, changed or flushed on
// a server that is not ours.
func (r *Redis) Prefix() string { return Prefix }

// Timings reports whether durations measured on this server mean anything. On
// the embedded one they would be those of another program than Redis.
func (r *Redis) Timings() bool { return r.kind != Embedded }

// Binary is the installed server program, for units that start servers of their
// own; false when there is none that works.
func (r *Redis) Binary() (redisproc.Binary, bool) { return r.binary, r.hasBinary }

// Suspect says in a few words why the server looks as if others depend on it,
// such as "it holds 48210 keys that are not ours". It is empty for a server of
// ours, and for one that shows no such sign. The signs are looked for once, by
// Open; what to do about them is for the caller to decide.
func (r *Redis) Suspect() string { return r.suspect }

// Short names the server in a few words.
func (r *Redis) Short() string {
	switch r.kind {
	case Private:
		return fmt.Sprintf("%s %s, private, %s", r.flavour, r.version, r.Addr())
	case External:
		return fmt.Sprintf("%s %s at %s", r.flavour, r.version, r.Addr())
	default:
		return "embedded server, counts only"
	}
}

// Line says in one line which server is used, and what that means.
func (r *Redis) Line() string {
	switch r.kind {
	case Private:
		return r.Short()
	case External:
		return fmt.Sprintf("%s (yours: only keys under %s are touched)", r.Short(), Prefix)
	default:
		line := fmt.Sprintf("embedded server (%s): counts, no timings", r.reason)
		if !r.hasBinary {
			line += "; `grind setup` installs the real one"
		}
		return line
	}
}

// Close stops what Open started. A server of the user's is left as it is. A
// second call does nothing and returns what the first did.
func (r *Redis) Close() error {
	r.closeOnce.Do(func() {
		switch {
		case r.process != nil:
			r.closeErr = r.process.Stop()
		case r.embedded != nil:
			r.embedded.close()
		}
	})
	return r.closeErr
}
