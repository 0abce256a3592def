package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/kit/redisproc"
)

// adminUser is who flips the switches on a server with an ACL of the caller's,
// whose users may be allowed nothing.
const adminUser = "lab-admin"

// adminTimeout bounds a step of a switch: the server is on this machine and
// idle, so one that takes longer does not answer at all.
const adminTimeout = 2 * time.Second

// Server is a Redis server of our own with a tap in front of it, and switches
// for both: the one kind of server that may be broken. Clients of Tapped meet
// the faults of the wire, those of Client only those of the process. It is safe
// for concurrent use.
type Server struct {
	process *redisproc.Server
	wire    *Wire
	panel   *panel // the process's switches and the wire's
	admin   *redis.Client
	silent  net.Listener // the master that never answers; see readOnly

	closeOnce sync.Once
	closeErr  error
}

// Start starts a server and a tap in front of it. changes may set the options
// of the tap, such as its Sink. ctx bounds the start only. The caller owes it a
// Close.
func Start(ctx context.Context, o redisproc.Options, changes ...func(*tap.Options)) (*Server, error) {
	user, password := adminOf(&o)
	process, err := redisproc.Start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	s := &Server{process: process}
	if s.silent, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, errors.Join(fmt.Errorf("lab: %w", err), process.Stop())
	}
	wire := tap.Options{Upstream: process.Addr(), UpstreamTLS: process.TLSConfig()}
	for _, change := range changes {
		change(&wire)
	}
	if s.wire, err = Front(wire); err != nil {
		return nil, errors.Join(err, s.silent.Close(), process.Stop())
	}
	s.admin = redis.NewClient(&redis.Options{
		Addr:                  process.Addr(),
		Username:              user,
		Password:              password,
		TLSConfig:             process.TLSConfig(),
		ClientName:            adminUser,
		PoolSize:              1,
		MaxRetries:            1, // a connection from before a restart is dead; all that is sent may be repeated
		DialTimeout:           adminTimeout,
		ReadTimeout:           adminTimeout,
		ContextTimeoutEnabled: true,
	})
	s.panel = newPanel(slices.Concat(s.levers(), wireLevers(s.wire.tap)))
	return s, nil
}

// Client connects straight to the server, as the default user. changes may set
// further options. The caller closes it.
func (s *Server) Client(changes ...func(*redis.Options)) *redis.Client {
	return newClient(s.Options(), changes)
}

// Options are how Client connects: fresh ones at each call.
func (s *Server) Options() *redis.Options {
	return &redis.Options{
		Addr:      s.process.Addr(),
		Password:  s.process.Password(),
		TLSConfig: s.process.TLSConfig(),
	}
}

// Tapped connects through the tap, otherwise like Client. The way to the tap is
// never encrypted, the way from there to the server is if the server wants it.
func (s *Server) Tapped(changes ...func(*redis.Options)) *redis.Client {
	return newClient(&redis.Options{
		Addr:     s.wire.TapAddr(),
		Password: s.process.Password(),
	}, changes)
}

func newClient(o *redis.Options, changes []func(*redis.Options)) *redis.Client {
	for _, change := range changes {
		change(o)
	}
	return redis.NewClient(o)
}

// Addr is the server's address, host:port. It stays over Restart.
func (s *Server) Addr() string { return s.process.Addr() }

// TapAddr is the tap's address, host:port.
func (s *Server) TapAddr() string { return s.wire.TapAddr() }

// Process is the server process: its log, process id, version and password.
// Pausing and killing are for the switches, which know what is on.
func (s *Server) Process() *redisproc.Server { return s.process }

// Stats is what the tap counted.
func (s *Server) Stats() tap.Stats { return s.wire.Stats() }

// Throw puts a fault of the caller's own making on the wire, until clear is
// called or the server is closed.
func (s *Server) Throw(f tap.Fault) (clear func(), err error) { return s.wire.Throw(f) }

// Switches lists the switches of the process, then those of the wire, and how
// they stand.
func (s *Server) Switches() []Switch { return s.panel.switches() }

// On turns the switch of that name on; see Switch.On.
func (s *Server) On(ctx context.Context, name string) error { return s.panel.on(ctx, name) }

// Off turns the switch of that name off; see Switch.Off.
func (s *Server) Off(ctx context.Context, name string) error { return s.panel.off(ctx, name) }

// Heal turns all switches off.
func (s *Server) Heal(ctx context.Context) error { return s.panel.heal(ctx) }

// Close ends the tap and the server, in whatever state they are. A second call
// does nothing.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		s.closeErr = errors.Join(s.wire.Close(), s.admin.Close(), s.process.Stop(), s.silent.Close())
	})
	return s.closeErr
}
