package redisproc

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// StartCluster starts the nodes and makes them a cluster. It returns when every
// node finds the cluster in order, with all slots covered, and every replica's
// link is up. ctx bounds the start only; on an error nothing is left.
//
// It needs Redis 7.0 or later, or Valkey, and takes a little over two seconds:
// that is how long a node that has just started refuses to serve.
func StartCluster(ctx context.Context, o ClusterOptions) (*Cluster, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	node, err := o.Server.wire()
	if err != nil {
		return nil, err
	}
	node.wiring.cluster = true
	node.wiring.set("cluster-enabled", "yes")
	node.wiring.set("cluster-announce-ip", host)
	node.wiring.set("cluster-node-timeout", strconv.FormatInt(o.NodeTimeout.Milliseconds(), 10))
	node.wiring.set("cluster-allow-replica-migration", "no") // a replica stays in its shard
	if o.Server.TLS {
		node.wiring.set("tls-cluster", "yes")
	}
	c := &Cluster{ids: map[*Server]string{}, timeout: o.NodeTimeout, elected: map[*Server]time.Time{}}
	if c.servers, err = startAll(ctx, o.Primaries*(1+o.Replicas), func(i int) Options { return node.suffix("", i) }); err != nil {
		return nil, err
	}
	for i := range o.Primaries {
		// The primaries are the first, so that a picture of all shows them so.
		shard := []*Server{c.servers[i]}
		for r := range o.Replicas {
			shard = append(shard, c.servers[o.Primaries+i*o.Replicas+r])
		}
		c.shards = append(c.shards, shard)
	}
	if err := c.form(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("redisproc: start %q: %w", o.Server.name(), err), c.Stop())
	}
	return c, nil
}

// form makes a cluster of nodes that know nobody.
func (c *Cluster) form(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, formTimeout)
	defer cancel()
	ids := make([]string, len(c.servers))
	err := each(c.servers, func(i int, s *Server) error {
		p := s.admin.Pipeline()
		id := p.Do(ctx, "cluster", "myid")
		p.Do(ctx, "cluster", "set-config-epoch", i+1) // so that no two are equal, which they would first have to notice
		if n := len(c.shards); i < n {
			p.ClusterAddSlotsRange(ctx, i*Slots/n, (i+1)*Slots/n-1)
		}
		if err := run(ctx, p); err != nil {
			return err
		}
		var err error
		ids[i], err = id.Text()
		return err
	})
	if err != nil {
		return err
	}
	for i, s := range c.servers {
		c.ids[s] = ids[i]
	}
	// Each meets all before it: gossip alone would take some rounds to tell.
	err = each(c.servers, func(i int, s *Server) error {
		p := s.admin.Pipeline()
		for _, o := range c.servers[:i] {
			h, port := o.hostPort()
			p.ClusterMeet(ctx, h, port)
		}
		if i == 0 {
			return nil
		}
		return run(ctx, p)
	})
	if err != nil {
		return err
	}
	if err := until(ctx, func() error { return c.acquainted(ctx) }); err != nil {
		return err
	}
	for _, shard := range c.shards {
		err := each(shard[1:], func(_ int, s *Server) error {
			return s.admin.ClusterReplicate(ctx, c.ids[shard[0]]).Err()
		})
		if err != nil {
			return err
		}
	}
	return c.waitStable(ctx)
}

// acquainted says which node does not know which other one yet.
func (c *Cluster) acquainted(ctx context.Context) error {
	for _, st := range states(ctx, c.servers) {
		for _, o := range c.servers {
			if p := st.peer(c.ids[o]); p == nil || p.joining || !p.myself && !p.Connected {
				return fmt.Errorf("%s does not know %s", st.Server.Addr(), o.Addr())
			}
		}
	}
	return nil
}
