package redisproc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNoPrimary says that no server of a topology has the role that was asked
// for just now, as between the death of a primary and the end of a failover.
var ErrNoPrimary = errors.New("redisproc: no primary")

// ErrNotMember says that a server belongs to another topology, or that none of
// this one can do what was asked.
var ErrNotMember = errors.New("redisproc: not such a member")

// adminUser is who replicates, watches and forms a topology whose servers have
// a password or an ACL. A Sentinel writes the password that it uses into its
// file without quotes, so it gets one that needs none.
const adminUser = "redisproc"

// Bounds of a topology's own commands.
const (
	// askTimeout is for one command. The servers are on this machine and have
	// little to do: one that takes longer hangs.
	askTimeout = time.Second
	// formTimeout is for all that a start does once the servers run. It takes one
	// to three seconds, and the rest is room for a machine under load.
	formTimeout = time.Minute
	// pollEvery is how often servers are asked for what they do not announce.
	pollEvery = 10 * time.Millisecond
)

// wiring is what a server of a topology has and a single one has not.
type wiring struct {
	watches    string     // what a Sentinel calls the primary; empty for all others
	cluster    bool       // it has a bus
	certs      *certs     // those of all; nil makes its own
	secret     string     // password of adminUser; empty means that nobody needs one
	directives [][]string // more of its configuration
}

// readyLine is the end of a start in the log.
func (w wiring) readyLine() string {
	if w.watches != "" {
		return "Sentinel ID is "
	}
	return "Ready to accept connections"
}

// isWired reports whether a topology sets a directive for each of its servers.
func isWired(directive string) bool {
	switch strings.ToLower(directive) {
	case "replicaof", "slaveof", "masterauth", "masteruser", "replica-announce-ip", "replica-announce-port",
		"tls-replication", "tls-cluster", "cluster-enabled", "cluster-config-file", "cluster-port",
		"cluster-node-timeout", "cluster-announce-ip", "cluster-announce-port", "cluster-announce-tls-port",
		"cluster-announce-bus-port", "cluster-allow-replica-migration":
		return true
	default:
		return false
	}
}

// wire checks the options that all servers of a topology share, and adds what
// makes them know each other.
func (o Options) wire() (Options, error) {
	if o.Port != 0 {
		return o, fmt.Errorf("redisproc: Options.Port must be 0 in a topology, where each server has its own, got %d", o.Port)
	}
	for name := range o.Config {
		if isWired(name) {
			return o, fmt.Errorf("redisproc: Options.Config[%q] can not be set: the topology decides it", name)
		}
	}
	for i, line := range o.ACL {
		if words := strings.Fields(line); len(words) > 1 && words[1] == adminUser {
			return o, fmt.Errorf("redisproc: Options.ACL[%d] must not define the user %s, which the topology is run by", i, adminUser)
		}
	}
	if err := o.check(); err != nil {
		return o, err
	}
	o.wiring = wiring{directives: [][]string{{"replica-announce-ip", host}}}
	if o.Password != "" || len(o.ACL) > 0 {
		o.wiring.secret = rand.Text()
		o.wiring.set("masteruser", adminUser)
		o.wiring.set("masterauth", o.wiring.secret)
	}
	if o.TLS {
		var err error
		if o.wiring.certs, err = makeCerts(); err != nil {
			return o, fmt.Errorf("redisproc: %w", err)
		}
		o.wiring.set("tls-replication", "yes")
	}
	return o, nil
}

// set adds a directive. The slice is never shared: each server adds its own.
func (w *wiring) set(directive ...string) {
	w.directives = append(slices.Clone(w.directives), directive)
}

// startAll starts n servers at the same time; after an error none is left.
func startAll(ctx context.Context, n int, options func(i int) Options) ([]*Server, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	servers, errs := make([]*Server, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if servers[i], errs[i] = Start(ctx, options(i)); errs[i] != nil {
				cancel() // the others are in vain
				return
			}
			servers[i].admin = servers[i].newAdmin()
		})
	}
	wg.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil && !errors.Is(err, context.Canceled) }); i >= 0 {
		return nil, errors.Join(errs[i], stopAll(servers))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, stopAll(servers))
	}
	return servers, nil
}

// stopAll ends servers at the same time. It kills them: nothing of theirs is
// kept, and a primary would wait for its replicas to catch up.
func stopAll(servers []*Server) error {
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		if s == nil {
			continue
		}
		wg.Go(func() {
			_ = s.admin.Close() // twice is an error, and says nothing
			errs[i] = errors.Join(s.Kill(context.Background()), s.Stop())
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// newAdmin makes the client for this package's own commands.
func (s *Server) newAdmin() *redis.Client {
	user, password := "", s.options.Password
	if s.options.wiring.secret != "" {
		user, password = adminUser, s.options.wiring.secret
	}
	return redis.NewClient(&redis.Options{
		Addr:                  s.Addr(),
		Username:              user,
		Password:              password,
		TLSConfig:             s.TLSConfig(),
		ClientName:            adminUser,
		Protocol:              2,
		MaxRetries:            1, // a connection from before a restart is dead; nothing is sent that must not be repeated
		DialerRetries:         1,
		DialTimeout:           askTimeout,
		ReadTimeout:           askTimeout,
		WriteTimeout:          askTimeout,
		PoolSize:              100, // so that a few failed dials do not make go-redis repeat their error
		DisableIdentity:       true,
		ContextTimeoutEnabled: true,
	})
}

// each calls f for all servers at the same time, and joins the errors.
func each(servers []*Server, f func(i int, s *Server) error) error {
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() {
			if err := f(i, s); err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.Addr(), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// until asks again and again, until nothing is missing any more. The error
// says what was missing last.
func until(ctx context.Context, missing func() error) error {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	var last error
	for {
		now := missing()
		if now == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil { // else it is about a question that was cut short
			last = now
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w while %w", context.Cause(ctx), last)
		case <-poll.C:
		}
	}
}

// hostPort is the address in two parts.
func (s *Server) hostPort() (string, string) {
	h, p, _ := net.SplitHostPort(s.Addr())
	return h, p
}

// byAddr finds a server by its address, nil if there is none.
func byAddr(servers []*Server, addr string) *Server {
	if i := slices.IndexFunc(servers, func(s *Server) bool { return s.Addr() == addr }); i >= 0 {
		return servers[i]
	}
	return nil
}

func addrs(servers []*Server) []string {
	out := make([]string, len(servers))
	for i, s := range servers {
		out[i] = s.Addr()
	}
	return out
}

// others are the servers but one.
func others(servers []*Server, s *Server) []*Server {
	return slices.DeleteFunc(slices.Clone(servers), func(o *Server) bool { return o == s })
}

// running are the servers whose process lives.
func running(servers []*Server) []*Server {
	return slices.DeleteFunc(slices.Clone(servers), func(s *Server) bool { return !s.Running() })
}

// suffix names one server of a topology.
func (o Options) suffix(what string, i int) Options {
	o.Name = fmt.Sprintf("%s-%s%d", o.name(), what, i)
	return o
}
