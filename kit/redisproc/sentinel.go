package redisproc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Sentinel is a primary, its replicas, and the Sentinels that watch them and
// promote a replica when the primary dies. It is safe for concurrent use.
type Sentinel struct {
	master    string
	servers   []*Server
	sentinels []*Server
}

// StartSentinel starts the servers and the Sentinels, and returns when every
// replica's link is up and all Sentinels know all replicas and each other. ctx
// bounds the start only; on an error nothing is left.
func StartSentinel(ctx context.Context, o SentinelOptions) (*Sentinel, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	server, err := o.Server.wire()
	if err != nil {
		return nil, err
	}
	s := &Sentinel{master: o.Master}
	if s.servers, err = startReplicated(ctx, server, o.Replicas); err != nil {
		return nil, err
	}
	watcher := o.watcher(server, s.servers[0])
	if s.sentinels, err = startAll(ctx, o.Sentinels, func(i int) Options { return watcher.suffix("sentinel", i) }); err != nil {
		return nil, errors.Join(err, stopAll(s.servers))
	}
	if err := s.introduce(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("redisproc: start %q: %w", o.Server.name(), err), s.Stop())
	}
	return s, nil
}

// watcher are the options of each Sentinel.
func (o SentinelOptions) watcher(server Options, primary *Server) Options {
	w := wiring{watches: o.Master, certs: server.wiring.certs}
	h, port := primary.hostPort()
	w.set("sentinel", "announce-ip", host)
	w.set("sentinel", "monitor", o.Master, h, port, strconv.Itoa(o.Quorum))
	w.set("sentinel", "down-after-milliseconds", o.Master, strconv.FormatInt(o.DownAfter.Milliseconds(), 10))
	w.set("sentinel", "failover-timeout", o.Master, strconv.FormatInt(o.FailoverTimeout.Milliseconds(), 10))
	w.set("sentinel", "parallel-syncs", o.Master, strconv.Itoa(o.Replicas))
	if server.wiring.secret != "" {
		w.set("sentinel", "auth-user", o.Master, adminUser)
		w.set("sentinel", "auth-pass", o.Master, server.wiring.secret)
	}
	if o.Server.TLS {
		w.set("tls-replication", "yes") // and so the way to the servers too
	}
	return Options{
		Binary: o.Server.Binary, Name: o.Server.Name, Password: o.Server.Password,
		TLS: o.Server.TLS, ClientCerts: o.Server.ClientCerts, wiring: w,
	}
}

// introduce waits until the Sentinels know each other.
func (s *Sentinel) introduce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, formTimeout)
	defer cancel()
	defer s.hurry(ctx)()
	return s.waitStable(ctx)
}

// hurry makes the Sentinels tell each other what they know, and ask the servers
// for their roles, twenty times a second until calm is called. By themselves
// they do so every two and every ten seconds. Not during a failover: those that
// do not lead it would take the promoted replica for one gone astray, and make
// it a replica again.
func (s *Sentinel) hurry(ctx context.Context) (calm func()) {
	set := func(ctx context.Context, publish, info string) {
		_ = each(running(s.sentinels), func(_ int, w *Server) error {
			// Where there is no such setting it only takes longer.
			return w.sentinel(ctx, "debug", "publish-period", publish, "info-period", info).Err()
		})
	}
	set(ctx, "50", "50")
	return func() { set(context.WithoutCancel(ctx), "2000", "10000") }
}

// Servers are those with data; the first was the primary at the start.
func (s *Sentinel) Servers() []*Server { return slices.Clone(s.servers) }

// Sentinels are those that watch.
func (s *Sentinel) Sentinels() []*Server { return slices.Clone(s.sentinels) }

// Addrs are the addresses of the Sentinels, which clients ask.
func (s *Sentinel) Addrs() []string { return addrs(s.sentinels) }

// Master is the name by which clients ask for the primary.
func (s *Sentinel) Master() string { return s.master }

// URL is what package connect takes: "redis+sentinel://:secret@127.0.0.1:23121,…/main",
// or rediss+sentinel with TLS. It holds the password of the servers; that of
// the Sentinels is the same, and has its own option there.
func (s *Sentinel) URL() string {
	return topologyURL("sentinel", s.sentinels, s.master)
}

// Options connect to whoever is the primary: fresh ones at each call, go-redis's
// defaults but for the addresses, the password and TLS.
func (s *Sentinel) Options() *redis.FailoverOptions {
	return &redis.FailoverOptions{
		MasterName:       s.master,
		SentinelAddrs:    s.Addrs(),
		SentinelPassword: s.sentinels[0].Password(),
		Password:         s.servers[0].Password(),
		TLSConfig:        s.servers[0].TLSConfig(),
		DialerRetries:    1, // five dials of a dead server only take longer
	}
}

// topologyURL is the address of a topology, with the password of its servers.
func topologyURL(kind string, servers []*Server, path string) string {
	scheme := "redis+"
	if servers[0].tls != nil {
		scheme = "rediss+"
	}
	u := url.URL{Scheme: scheme + kind, Host: strings.Join(addrs(servers), ","), Path: path}
	if password := servers[0].Password(); password != "" {
		u.User = url.UserPassword("", password)
	}
	return u.String()
}

// Primary is the server that the Sentinels name. Between the death of a primary
// and the failover that is the dead one; while they do not agree it is
// ErrNoPrimary.
//
// Redis: 1 round trip to each Sentinel, at the same time.
func (s *Sentinel) Primary(ctx context.Context) (*Server, error) {
	named, err := s.named(ctx)
	if err != nil {
		return nil, fmt.Errorf("redisproc: ask the Sentinels for %s: %w", s.master, err)
	}
	return named, nil
}

// named asks all Sentinels; those that answer must agree.
func (s *Sentinel) named(ctx context.Context) (*Server, error) {
	var names []string
	for _, st := range states(ctx, s.sentinels) {
		if st.Follows != "" && !slices.Contains(names, st.Follows) {
			names = append(names, st.Follows)
		}
	}
	switch len(names) {
	case 0:
		return nil, fmt.Errorf("no Sentinel answers: %w", ErrNotRunning)
	case 1:
		if named := byAddr(s.servers, names[0]); named != nil {
			return named, nil
		}
		return nil, fmt.Errorf("they name %s: %w", names[0], ErrNotMember)
	default:
		return nil, fmt.Errorf("they name %s: %w", strings.Join(names, " and "), ErrNoPrimary)
	}
}

// sentinel sends one SENTINEL command.
func (s *Server) sentinel(ctx context.Context, args ...any) *redis.Cmd {
	if !s.Running() {
		cmd := redis.NewCmd(ctx)
		cmd.SetErr(ErrNotRunning)
		return cmd
	}
	return s.admin.Do(ctx, append([]any{"sentinel"}, args...)...)
}

// Replicas are the servers that the Sentinels do not name.
func (s *Sentinel) Replicas(ctx context.Context) ([]*Server, error) {
	primary, err := s.Primary(ctx)
	if err != nil {
		return nil, err
	}
	return others(s.servers, primary), nil
}

// Status asks each server and then each Sentinel how it stands. It takes a
// second if one of them hangs.
//
// Redis: 1 round trip to each, at the same time.
func (s *Sentinel) Status(ctx context.Context) []State {
	return states(ctx, slices.Concat(s.servers, s.sentinels))
}

// FailOver makes the Sentinels promote a replica (SENTINEL FAILOVER), with the
// primary alive or dead, and returns the new primary when WaitStable would,
// those aside that did not answer at the beginning. What the old one had
// acknowledged and not yet sent is lost. After an error the failover may or may
// not happen.
//
// Redis: SENTINEL FAILOVER to one Sentinel, then questions every 10 ms; seconds.
func (s *Sentinel) FailOver(ctx context.Context) (*Server, error) {
	promoted, err := s.failOver(ctx)
	if err != nil {
		return nil, fmt.Errorf("redisproc: fail over %s: %w", s.master, err)
	}
	return promoted, nil
}

func (s *Sentinel) failOver(ctx context.Context) (*Server, error) {
	old, err := s.named(ctx)
	if err != nil {
		return nil, err
	}
	all := s.Status(ctx)
	leader := slices.IndexFunc(all, func(st State) bool { return st.Role == RoleSentinel })
	if leader < 0 {
		return nil, fmt.Errorf("no Sentinel answers: %w", ErrNotRunning)
	}
	if err := all[leader].Server.sentinel(ctx, "failover", s.master).Err(); err != nil {
		return nil, err
	}
	promoted, err := s.WaitFailover(ctx, old)
	if err != nil {
		return nil, err
	}
	defer s.hurry(ctx)()
	return promoted, s.waitStable(ctx, hung(all)...)
}

// WaitFailover returns the server that has taken the place of old, when all
// Sentinels that answer name it and it takes writes. It waits as long as ctx
// lets it. Clients and replicas may not have followed yet: see WaitStable.
func (s *Sentinel) WaitFailover(ctx context.Context, old *Server) (promoted *Server, err error) {
	err = until(ctx, func() (err error) {
		if promoted, err = s.named(ctx); err != nil {
			return err
		}
		if promoted == old {
			return fmt.Errorf("the Sentinels name %s: %w", old.Addr(), ErrNoPrimary)
		}
		if st := promoted.state(ctx); st.Role != RolePrimary {
			return fmt.Errorf("%s, which the Sentinels name, is %q: %w", promoted.Addr(), st.Role, ErrNoPrimary)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("redisproc: wait for a failover from %s: %w", old.Addr(), err)
	}
	return promoted, nil
}

// WaitStable returns when all running Sentinels name the same running primary,
// know each other and all running replicas, and these are in step with it. Dead
// servers do not matter; one that is paused does. An old primary that has come
// back is made a replica by the Sentinels after about ten seconds. It waits as
// long as ctx lets it; the error says what was missing.
func (s *Sentinel) WaitStable(ctx context.Context) error {
	if err := s.waitStable(ctx); err != nil {
		return fmt.Errorf("redisproc: wait for the Sentinels of %s: %w", s.master, err)
	}
	return nil
}

func (s *Sentinel) waitStable(ctx context.Context, without ...*Server) error {
	return until(ctx, func() error {
		primary, err := s.named(ctx)
		if err != nil {
			return err
		}
		all := s.Status(ctx)
		if err := answering(all, without); err != nil {
			return err
		}
		var alive []*Server
		for _, st := range all {
			if !st.Running {
				continue
			}
			alive = append(alive, st.Server)
			if st.Role != RoleSentinel && (st.Server == primary) != (st.Role == RolePrimary) {
				return fmt.Errorf("%s is %q", st.Server.Addr(), st.Role)
			}
		}
		if err := inStep(ctx, all); err != nil {
			return err
		}
		return each(alive, func(_ int, w *Server) error {
			if !slices.Contains(s.sentinels, w) {
				return nil
			}
			return s.informed(ctx, w, primary, alive)
		})
	})
}

// informed says what a Sentinel does not know yet of those that are alive.
func (s *Sentinel) informed(ctx context.Context, w, primary *Server, alive []*Server) error {
	master, err := facts(w.sentinel(ctx, "master", s.master))
	if err != nil {
		return err
	}
	if master["flags"] != "master" {
		return fmt.Errorf("it holds the primary for %s", master["flags"])
	}
	if got, want := master["num-other-sentinels"], strconv.Itoa(len(s.sentinels)-1); got != want {
		return fmt.Errorf("it knows %s other Sentinels of %s", got, want)
	}
	list, err := w.sentinel(ctx, "replicas", s.master).Slice()
	if err != nil {
		return err
	}
	known := map[string]string{}
	for _, replica := range list {
		f := pairs(replica)
		known[f["name"]] = f["flags"]
	}
	for _, r := range others(s.servers, primary) {
		if !slices.Contains(alive, r) {
			continue
		}
		if flags := known[r.Addr()]; flags != "slave" {
			return fmt.Errorf("it holds the replica %s for %q", r.Addr(), flags)
		}
	}
	return nil
}

// facts reads a flat reply of names and values.
func facts(cmd *redis.Cmd) (map[string]string, error) {
	reply, err := cmd.Slice()
	return pairs(any(reply)), err
}

func pairs(reply any) map[string]string {
	list, _ := reply.([]any)
	out := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		out[fmt.Sprint(list[i])] = fmt.Sprint(list[i+1])
	}
	return out
}

// Stop ends all servers and Sentinels, by force, and removes their directories.
// A second call does nothing.
func (s *Sentinel) Stop() error { return stopAll(slices.Concat(s.sentinels, s.servers)) }
