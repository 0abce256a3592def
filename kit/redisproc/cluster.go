package redisproc

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Slots is the number of hash slots that a cluster shares out.
const Slots = 16384

// Cluster is a Redis Cluster: primaries that share out the slots, and the
// replicas of each. It is safe for concurrent use.
type Cluster struct {
	servers []*Server
	shards  [][]*Server // a primary of the start, then its replicas
	ids     map[*Server]string
	timeout time.Duration // of the nodes

	mu      sync.Mutex
	elected map[*Server]time.Time // when a node was last voted in, as far as we have seen
}

// peer is a node as this one sees it, nil if it does not.
func (st State) peer(id string) *Peer {
	if i := slices.IndexFunc(st.Sees, func(p Peer) bool { return p.ID == id }); i >= 0 {
		return &st.Sees[i]
	}
	return nil
}

// Servers are all nodes. The first are the primaries of the start, then come the
// replicas of the first of these, of the second, and so on.
func (c *Cluster) Servers() []*Server { return slices.Clone(c.servers) }

// Addrs are the addresses of all nodes.
func (c *Cluster) Addrs() []string { return addrs(c.servers) }

// URL is what package connect takes: "redis+cluster://:secret@127.0.0.1:23121,…",
// or rediss+cluster with TLS.
func (c *Cluster) URL() string { return topologyURL("cluster", c.servers, "") }

// Options connect to the cluster: fresh ones at each call, with the addresses,
// the password and TLS, and with the two settings without which go-redis needs
// up to a minute to follow a failover; otherwise its defaults.
func (c *Cluster) Options() *redis.ClusterOptions {
	return &redis.ClusterOptions{
		Addrs:                      c.Addrs(),
		Password:                   c.servers[0].Password(),
		TLSConfig:                  c.servers[0].TLSConfig(),
		ClusterStateReloadInterval: time.Second,
		DialerRetries:              1,
	}
}

// Status asks each node how it stands, in the order of Servers. It takes a
// second if one of them hangs.
//
// Redis: 1 round trip to each, at the same time.
func (c *Cluster) Status(ctx context.Context) []State { return states(ctx, c.servers) }

// Shard are the nodes of which s is one: a primary of the start and its
// replicas, in that order whatever their roles are now. It is nil if s is
// another topology's.
func (c *Cluster) Shard(s *Server) []*Server {
	for _, shard := range c.shards {
		if slices.Contains(shard, s) {
			return slices.Clone(shard)
		}
	}
	return nil
}

// Primary is the node that serves the slot, as the majority of those that
// answer see it. Between the death of a primary and the failover that is the
// dead one.
func (c *Cluster) Primary(ctx context.Context, slot int) (*Server, error) {
	votes := map[string]int{}
	for _, st := range c.Status(ctx) {
		for _, p := range st.Sees {
			if owns(p.Slots, slot) {
				votes[p.Addr]++
			}
		}
	}
	best := ""
	for addr, n := range votes {
		if n > votes[best] {
			best = addr
		}
	}
	if s := byAddr(c.servers, best); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("redisproc: slot %d: %w", slot, ErrNoPrimary)
}

func owns(slots []SlotRange, slot int) bool {
	return slices.ContainsFunc(slots, func(r SlotRange) bool { return r.First <= slot && slot <= r.Last })
}

// Primaries are the running nodes that take writes for some slots, in the order
// of Servers.
func (c *Cluster) Primaries(ctx context.Context) []*Server {
	var out []*Server
	for _, st := range c.Status(ctx) {
		if st.Role == RolePrimary && len(st.Slots) > 0 {
			out = append(out, st.Server)
		}
	}
	return out
}

// Replicas are the running nodes that follow the primary, in the order of
// Servers.
func (c *Cluster) Replicas(ctx context.Context, primary *Server) []*Server {
	var out []*Server
	for _, st := range c.Status(ctx) {
		if st.Role == RoleReplica && st.Follows == primary.Addr() {
			out = append(out, st.Server)
		}
	}
	return out
}

// FailOver makes a replica take the place of the primary old, and returns the
// new one when WaitStable would, those aside that did not answer at the
// beginning. While old runs the two agree on it and nothing is lost (CLUSTER
// FAILOVER); a dead or paused one is voted down without its say (FORCE). A replica
// that was voted in lately waits first: see the caveats of the package. After
// an error the failover may or may not happen.
//
// Redis: CLUSTER FAILOVER to one replica, then questions every 10 ms; less than a
// second as a rule.
func (c *Cluster) FailOver(ctx context.Context, old *Server) (*Server, error) {
	all := c.Status(ctx)
	replica := c.candidate(all, old)
	if replica == nil {
		return nil, fmt.Errorf("redisproc: fail over %s: it has no replica: %w", old.Addr(), ErrNotMember)
	}
	if err := c.forget(ctx, replica); err != nil {
		return nil, fmt.Errorf("redisproc: fail over %s: %w", old.Addr(), err)
	}
	args := []any{"cluster", "failover"}
	if slices.Contains(hung(all), old) {
		args = append(args, "force")
	}
	if err := replica.admin.Do(ctx, args...).Err(); err != nil {
		return nil, fmt.Errorf("redisproc: fail over %s: %w", old.Addr(), err)
	}
	promoted, err := c.WaitFailover(ctx, old)
	if err == nil {
		err = c.waitStable(ctx, hung(all)...)
	}
	if err != nil {
		return nil, fmt.Errorf("redisproc: fail over %s: %w", old.Addr(), err)
	}
	return promoted, nil
}

// candidate is the replica of old that was voted in the longest ago, nil if
// there is none that answers.
func (c *Cluster) candidate(all []State, old *Server) (best *Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range all {
		if st.Role == RoleReplica && st.Follows == old.Addr() && (best == nil || c.elected[st.Server].Before(c.elected[best])) {
			best = st.Server
		}
	}
	return best
}

// forget waits until a replica has forgotten the votes of its last election.
// Before that time it counts them again, and takes the slots with an epoch that
// is too old for anybody to accept. So does Redis 7.0; in its source that is
// auth_retry_time.
func (c *Cluster) forget(ctx context.Context, replica *Server) error {
	c.mu.Lock()
	at, was := c.elected[replica]
	c.mu.Unlock()
	if !was {
		return nil
	}
	timer := time.NewTimer(time.Until(at.Add(2*max(2*c.timeout, 2*time.Second) + leastNodeTimeout)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait until %s may stand again: %w", replica.Addr(), context.Cause(ctx))
	}
}

// WaitFailover returns the node that has taken the place of old, when all nodes
// that answer, old aside, see it there and find the cluster in order. It waits
// as long as ctx lets it.
func (c *Cluster) WaitFailover(ctx context.Context, old *Server) (promoted *Server, err error) {
	err = until(ctx, func() error {
		promoted = nil
		all := states(ctx, others(c.servers, old))
		for _, st := range all {
			if st.Role == RolePrimary && len(st.Slots) > 0 && slices.Contains(c.Shard(old), st.Server) {
				promoted = st.Server
			}
		}
		if promoted == nil {
			return fmt.Errorf("nobody is in the place of %s: %w", old.Addr(), ErrNoPrimary)
		}
		for _, st := range all {
			if !st.Answers {
				continue
			}
			if p := st.peer(c.ids[promoted]); p == nil || len(p.Slots) == 0 || !st.Healthy {
				return fmt.Errorf("%s has not noticed yet that %s is the primary", st.Server.Addr(), promoted.Addr())
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("redisproc: wait for a failover from %s: %w", old.Addr(), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.elected[promoted] = time.Now()
	return promoted, nil
}

// WaitStable returns when all running nodes find the cluster in order and see
// each other as each sees itself, all slots are served by running nodes, and
// every running replica is in step. Dead nodes do not matter; a paused one does.
// It waits as long as ctx lets it; the error says what was missing.
func (c *Cluster) WaitStable(ctx context.Context) error {
	if err := c.waitStable(ctx); err != nil {
		return fmt.Errorf("redisproc: wait for the cluster: %w", err)
	}
	return nil
}

func (c *Cluster) waitStable(ctx context.Context, without ...*Server) error {
	return until(ctx, func() error { return c.missing(ctx, c.Status(ctx), without) })
}

// missing says what keeps the cluster from being stable.
func (c *Cluster) missing(ctx context.Context, all []State, without []*Server) error {
	if err := answering(all, without); err != nil {
		return err
	}
	covered := 0
	for _, st := range all {
		if st.Role == RolePrimary {
			covered += count(st.Slots)
		}
	}
	if covered != Slots {
		return fmt.Errorf("running nodes say that they serve %d slots of %d", covered, Slots)
	}
	for _, st := range all {
		if !st.Running {
			continue
		}
		if !st.Healthy {
			return fmt.Errorf("%s finds the cluster down", st.Server.Addr())
		}
		for _, o := range all {
			if o.Running && !st.agrees(o, c.ids[o.Server]) {
				return fmt.Errorf("%s has another picture of %s than this has itself", st.Server.Addr(), o.Server.Addr())
			}
		}
	}
	return inStep(ctx, all)
}

// agrees reports whether a node sees another one as that one sees itself.
func (st State) agrees(o State, id string) bool {
	mine, own := st.peer(id), o.peer(id)
	if mine == nil || own == nil {
		return false
	}
	return mine.Role == own.Role && mine.Follows == own.Follows && slices.Equal(mine.Slots, own.Slots) &&
		!mine.Failing && (mine.myself || mine.Connected)
}

func count(slots []SlotRange) (n int) {
	for _, r := range slots {
		n += r.Last - r.First + 1
	}
	return n
}

// Stop ends all nodes, by force, and removes their directories. A second call
// does nothing.
func (c *Cluster) Stop() error { return stopAll(c.servers) }
