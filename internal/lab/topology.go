package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
)

// ErrNoNode says that no node has this name. The error that wraps it lists
// those there are.
var ErrNoNode = errors.New("no such node")

// Topology is what a Sentinel and a Cluster of this package have in common:
// named nodes, a switch for each failure of each of them, and a picture of the
// whole. It is safe for concurrent use.
type Topology struct {
	nodes  []node
	panel  *panel
	states func(ctx context.Context) []redisproc.State // of all, in the order of nodes
	stop   func() error
	ended  func(*redisproc.Server) // what else is over when a process is; nil for nothing

	closeOnce sync.Once
	closeErr  error
}

// node is a process with its name, such as server-1, which it keeps whatever
// its role becomes.
type node struct {
	name    string
	process *redisproc.Server
}

// nodesOf names processes by their places.
func nodesOf(what string, servers []*redisproc.Server) []node {
	var nodes []node
	for i, s := range servers {
		nodes = append(nodes, node{fmt.Sprintf("%s-%d", what, i+1), s})
	}
	return nodes
}

// title is the name as a person writes it.
func (n node) title() string { return strings.ReplaceAll(n.name, "-", " ") }

// Of is the name of a switch for one node: Of(Kill, "server-1").
func Of(failure, node string) string { return failure + "-" + node }

// levers are the failures of one node's process.
func (t *Topology) levers(n node) []lever {
	fresh := func() {
		t.panel.forget(Of(Pause, n.name), Of(Kill, n.name))
		if t.ended != nil {
			t.ended(n.process)
		}
	}
	return []lever{
		{
			name: Of(Pause, n.name), title: "Pause " + n.title(),
			what: "The process stands still (SIGSTOP): its connections stay open, nothing is answered, and after a while the others hold it for dead.",
			throw: func(context.Context) (undo, error) {
				return func(context.Context) error { return n.process.Resume() }, n.process.Pause()
			},
		},
		{
			name: Of(Kill, n.name), title: "Kill " + n.title(),
			what: "The process is killed (kill -9) and stays away; off starts it again, and the others tell it what it is by now.",
			throw: func(ctx context.Context) (undo, error) {
				if err := n.process.Kill(ctx); err != nil {
					return nil, err
				}
				fresh()
				return n.process.Restart, nil
			},
		},
		{
			name: Of(Restart, n.name), title: "Restart " + n.title(), momentary: true,
			what: "The process ends in order and starts again: too short a time for the others to replace it.",
			throw: func(ctx context.Context) (undo, error) {
				if err := n.process.Restart(ctx); err != nil {
					return nil, err
				}
				fresh()
				return nil, nil
			},
		},
	}
}

// Nodes are the names of all nodes, in the order of Status.
func (t *Topology) Nodes() []string {
	var names []string
	for _, n := range t.nodes {
		names = append(names, n.name)
	}
	return names
}

// Node is the process of that name: its address and log. Pausing and killing are
// for the switches, which know what is on.
func (t *Topology) Node(name string) (*redisproc.Server, error) {
	if i := slices.IndexFunc(t.nodes, func(n node) bool { return n.name == name }); i >= 0 {
		return t.nodes[i].process, nil
	}
	return nil, fmt.Errorf("lab: %q (there are %s): %w", name, strings.Join(t.Nodes(), ", "), ErrNoNode)
}

// Name is the name of a process, empty if it is none of these.
func (t *Topology) Name(s *redisproc.Server) string {
	for _, n := range t.nodes {
		if n.process == s {
			return n.name
		}
	}
	return ""
}

// Switches lists the switches, node by node, and then those of the whole, and
// how they stand.
func (t *Topology) Switches() []Switch { return t.panel.switches() }

// On turns the switch of that name on; see Switch.On.
func (t *Topology) On(ctx context.Context, name string) error { return t.panel.on(ctx, name) }

// Off turns the switch of that name off; see Switch.Off. It returns when the node
// itself works; until all agree again more time may pass: see WaitStable of the
// Process.
func (t *Topology) Off(ctx context.Context, name string) error { return t.panel.off(ctx, name) }

// Heal turns all switches off.
func (t *Topology) Heal(ctx context.Context) error { return t.panel.heal(ctx) }

// Close ends all processes, in whatever state they are. A second call does
// nothing.
func (t *Topology) Close() error {
	t.closeOnce.Do(func() { t.closeErr = t.stop() })
	return t.closeErr
}

// Cluster is a Redis Cluster to break, of nodes node-1, node-2 and so on: first
// the primaries of the start, then the replicas of the first, and so on. It is
// safe for concurrent use.
type Cluster struct {
	*Topology
	process *redisproc.Cluster
}

// StartCluster starts a cluster. ctx bounds the start only. The caller owes it a
// Close.
func StartCluster(ctx context.Context, o redisproc.ClusterOptions) (*Cluster, error) {
	process, err := redisproc.StartCluster(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	c := &Cluster{process: process, Topology: &Topology{
		nodes:  nodesOf("node", process.Servers()),
		states: process.Status,
		stop:   process.Stop,
	}}
	var levers []lever
	for _, n := range c.nodes {
		levers = append(levers, c.levers(n)...)
	}
	for i, s := range process.Servers() {
		if shard := process.Shard(s); shard[0] == s && len(shard) > 1 {
			levers = append(levers, c.failOver(i+1, shard))
		}
	}
	c.panel = newPanel(levers)
	return c, nil
}

// Process is the cluster itself: its client's options, and what moves slots.
func (c *Cluster) Process() *redisproc.Cluster { return c.process }

// Client connects to the cluster as the default user, with the settings that
// follow a failover. changes may set further options. The caller closes it.
func (c *Cluster) Client(changes ...func(*redis.ClusterOptions)) *redis.ClusterClient {
	o := c.process.Options()
	for _, change := range changes {
		change(o)
	}
	return redis.NewClusterClient(o)
}

// failOver is the switch of one shard.
func (c *Cluster) failOver(number int, shard []*redisproc.Server) lever {
	return lever{
		name: Of(FailOver, fmt.Sprintf("shard-%d", number)), title: fmt.Sprintf("Fail over shard %d", number), momentary: true,
		what: "A replica of the shard takes the place of its primary (CLUSTER FAILOVER): they agree on it and nothing is lost; if the primary is dead or hangs, the others vote.",
		throw: func(ctx context.Context) (undo, error) {
			old, err := primaryOf(c.process.Status(ctx), shard)
			if err == nil {
				_, err = c.process.FailOver(ctx, old)
			}
			return nil, err
		},
	}
}

// primaryOf finds who a shard's replicas follow, or who of it says that it is
// the primary.
func primaryOf(states []redisproc.State, shard []*redisproc.Server) (*redisproc.Server, error) {
	for _, st := range states {
		if !slices.Contains(shard, st.Server) {
			continue
		}
		for _, s := range shard {
			if s.Addr() == st.Follows || s == st.Server && len(st.Slots) > 0 {
				return s, nil
			}
		}
	}
	return nil, redisproc.ErrNoPrimary
}

// adminOf adds a user who may do everything to servers whose users may not, and
// returns how to log in as one who may.
func adminOf(o *redisproc.Options) (user, password string) {
	if len(o.ACL) == 0 {
		return "", o.Password
	}
	password = rand.Text()
	o.ACL = append(slices.Clone(o.ACL), fmt.Sprintf("user %s on >%s ~* &* +@all", adminUser, password))
	return adminUser, password
}
