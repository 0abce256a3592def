package redisproc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// ReplicaSet is a primary and its replicas. Nobody watches them: when the
// primary dies the replicas stay replicas. It is safe for concurrent use.
type ReplicaSet struct{ servers []*Server }

// StartReplicaSet starts a primary and its replicas, and returns when each
// replica's link is up. ctx bounds the start only; on an error nothing is left.
func StartReplicaSet(ctx context.Context, o ReplicaSetOptions) (*ReplicaSet, error) {
	if o.Replicas < 0 {
		return nil, fmt.Errorf("redisproc: ReplicaSetOptions.Replicas must not be negative, got %d", o.Replicas)
	}
	o.Replicas = cmp.Or(o.Replicas, DefaultReplicas)
	server, err := o.Server.wire()
	if err != nil {
		return nil, err
	}
	servers, err := startReplicated(ctx, server, o.Replicas)
	if err != nil {
		return nil, err
	}
	return &ReplicaSet{servers}, nil
}

// startReplicated starts a primary, which is the first, and its replicas.
func startReplicated(ctx context.Context, o Options, replicas int) ([]*Server, error) {
	servers, err := startAll(ctx, 1+replicas, func(i int) Options { return o.suffix("", i) })
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, formTimeout)
	defer cancel()
	h, port := servers[0].hostPort()
	err = each(servers[1:], func(_ int, s *Server) error {
		// By command and not in the file: a server that reads it there first tries
		// a second later if the primary is not up yet.
		p := s.admin.Pipeline()
		p.ReplicaOf(ctx, h, port)
		p.ConfigRewrite(ctx) // so that it is still a replica after a restart
		return run(ctx, p)
	})
	if err == nil {
		err = waitLinked(ctx, servers, servers[0])
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("redisproc: start %q: %w", o.name(), err), stopAll(servers))
	}
	return servers, nil
}

// waitLinked waits until all running servers but one are replicas of that one,
// and in step.
func waitLinked(ctx context.Context, servers []*Server, primary *Server) error {
	return until(ctx, func() error {
		all := states(ctx, servers)
		for _, st := range all {
			if st.Running && (st.Server == primary) != (st.Role == RolePrimary) {
				return fmt.Errorf("%s is %q", st.Server.Addr(), st.Role)
			}
		}
		if err := answering(all, nil); err != nil {
			return err
		}
		return inStep(ctx, all)
	})
}

// Servers are the primary, which is the first, and the replicas.
func (r *ReplicaSet) Servers() []*Server { return slices.Clone(r.servers) }

// Primary is the one that takes writes.
func (r *ReplicaSet) Primary() *Server { return r.servers[0] }

// Replicas are the others.
func (r *ReplicaSet) Replicas() []*Server { return slices.Clone(r.servers[1:]) }

// Status asks each server how it stands, in the order of Servers. It takes a
// second if one of them hangs.
//
// Redis: 1 round trip to each, at the same time.
func (r *ReplicaSet) Status(ctx context.Context) []State { return states(ctx, r.servers) }

// WaitStable returns when each running replica is in step with the primary, as
// after a Restart. It waits as long as ctx lets it; the error says what was
// missing.
func (r *ReplicaSet) WaitStable(ctx context.Context) error {
	if err := waitLinked(ctx, r.servers, r.servers[0]); err != nil {
		return fmt.Errorf("redisproc: wait for the replicas of %s: %w", r.servers[0].Addr(), err)
	}
	return nil
}

// Stop ends all servers, by force, and removes their directories. A second call
// does nothing.
func (r *ReplicaSet) Stop() error { return stopAll(r.servers) }
