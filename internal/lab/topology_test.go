package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// topology is what the tests need of both kinds.
type topology interface {
	On(ctx context.Context, name string) error
	Off(ctx context.Context, name string) error
	Heal(ctx context.Context) error
	Status(ctx context.Context) Status
	Switches() []Switch
	Close() error
}

func cluster(t *testing.T, o redisproc.ClusterOptions) *Cluster {
	t.Helper()
	c, err := StartCluster(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, c)
	return c
}

func sentinel(t *testing.T, o redisproc.SentinelOptions) *Sentinel {
	t.Helper()
	s, err := StartSentinel(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	return s
}

func closed(t *testing.T, top topology) {
	t.Cleanup(func() {
		if err := top.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// flip turns switches on or off, by Topology.On or Topology.Off.
func flip(t *testing.T, do func(context.Context, string) error, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := do(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
}

// look waits until the picture of a node is as want says.
func look(t *testing.T, top topology, name, what string, want func(NodeStatus) bool) {
	t.Helper()
	var last NodeStatus
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, n := range top.Status(t.Context()).Nodes {
			if n.Name == name {
				last = n
			}
		}
		if want(last) {
			return
		}
	}
	t.Fatalf("%s is not %s within 30 s: %+v\nof %+v", name, what, last, top.Status(t.Context()))
}

func TestCluster_switches(t *testing.T) {
	t.Parallel()
	c := cluster(t, redisproc.ClusterOptions{NodeTimeout: 500 * time.Millisecond, Server: redisproc.Options{Password: "secret"}})
	client := c.Client()
	defer client.Close()
	is := func(role redisproc.Role) func(NodeStatus) bool {
		return func(n NodeStatus) bool { return n.Answers && n.Role == role }
	}

	look(t, c, "node-4", "a replica of node-1 that has read all", func(n NodeStatus) bool {
		return n.Role == redisproc.RoleReplica && n.Follows == "node-1" && n.LinkUp && n.Offset > 0 && n.Behind == 0
	})

	flip(t, c.On, "fail-over-shard-3")
	look(t, c, "node-6", "the primary with its slots", func(n NodeStatus) bool {
		return n.Role == redisproc.RolePrimary && len(n.Slots) == 1 && n.Slots[0] == redisproc.SlotRange{First: 10922, Last: 16383}
	})

	flip(t, c.On, "kill-node-1")
	look(t, c, "node-1", "dead, doubted by all others, its switch on", func(n NodeStatus) bool {
		return !n.Running && n.Doubted == 5 && slices.Equal(n.On, []string{"kill-node-1"})
	})
	look(t, c, "node-4", "the primary", is(redisproc.RolePrimary))
	flip(t, c.Off, "kill-node-1")
	look(t, c, "node-1", "a replica", is(redisproc.RoleReplica))

	flip(t, c.On, "pause-node-2")
	look(t, c, "node-2", "running and silent", func(n NodeStatus) bool { return n.Running && !n.Answers && n.Doubted > 0 })
	look(t, c, "node-5", "the primary", is(redisproc.RolePrimary))
	if err := c.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	look(t, c, "node-2", "a replica", is(redisproc.RoleReplica))

	// Too short for a failover: who was primary still is.
	flip(t, c.On, "pause-node-6", "restart-node-6")
	look(t, c, "node-6", "the primary, its pause over", func(n NodeStatus) bool {
		return n.Healthy && n.Role == redisproc.RolePrimary && len(n.On) == 0
	})
	if err := c.Process().WaitStable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Errorf("SET in the end: %v", err)
	}
}

// A fail-over of a shard whose primary is dead finds the replica too, and of one
// without a replica there is no switch.
func TestCluster_failOver(t *testing.T) {
	t.Parallel()
	c := cluster(t, redisproc.ClusterOptions{NodeTimeout: 10 * time.Second}) // nobody votes by himself in this test
	flip(t, c.On, "kill-node-2", "fail-over-shard-2")
	look(t, c, "node-5", "the primary", func(n NodeStatus) bool { return n.Role == redisproc.RolePrimary && len(n.Slots) == 1 })

	lonely := cluster(t, redisproc.ClusterOptions{Replicas: -1})
	if err := lonely.On(t.Context(), "fail-over-shard-1"); !errors.Is(err, ErrNoSwitch) {
		t.Errorf("without replicas: got %v, want ErrNoSwitch", err)
	}
}

func TestSentinel_switches(t *testing.T) {
	t.Parallel()
	s := sentinel(t, redisproc.SentinelOptions{})
	look(t, s, "sentinel-3", "sure of server-1", func(n NodeStatus) bool { return n.Role == redisproc.RoleSentinel && n.Follows == "server-1" })
	flip(t, s.On, "pause-sentinel-1", FailOver)
	primary, err := s.Process().Primary(t.Context())
	if err != nil || s.Name(primary) == "server-1" {
		t.Errorf("after the failover: got %s (%v), want another than server-1", s.Name(primary), err)
	}
}

// The network breaks in two, with one client on the side of the primary: what it
// writes there is lost when the two come together, and nothing else is.
func TestSentinel_cutOff(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]redisproc.Options{
		"plain":         {},
		"TLS, password": {TLS: true, Password: "secret"},
		"ACL":           {ACL: []string{"user default on nopass ~* &* +@read +@write +@connection"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sentinel(t, redisproc.SentinelOptions{Server: o})
			old := s.Process().Servers()[0]
			before := redistest.ClientOf(t, old, func(o *redis.Options) { o.PoolSize, o.MaxRetries = 1, -1 })
			write := func(c redis.Cmdable, key string) {
				t.Helper()
				if err := c.Set(t.Context(), key, "v", 0).Err(); err != nil {
					t.Errorf("SET %s: %v", key, err)
				}
			}
			write(before, "together")
			flip(t, s.On, CutOff)
			write(before, "alone") // the connection from before stands
			aside, err := s.Aside()
			if err != nil {
				t.Fatal(err)
			}
			defer aside.Close()
			write(aside, "alone too") // and there is a way for new ones

			promoted, err := s.Process().WaitFailover(t.Context(), old)
			if err != nil {
				t.Fatal(err)
			}
			write(aside, "long after")
			write(redistest.ClientOf(t, promoted), "there")
			flip(t, s.Off, CutOff)
			if err := s.Process().WaitStable(t.Context()); err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string]int64{"together": 1, "there": 1, "alone": 0, "alone too": 0, "long after": 0} {
				for _, server := range s.Process().Servers() {
					if got := redistest.ClientOf(t, server).Exists(t.Context(), key).Val(); got != want {
						t.Errorf("%q on %s: got %d, want %d", key, s.Name(server), got, want)
					}
				}
			}
			if _, err := s.Aside(); !errors.Is(err, ErrNotCutOff) {
				t.Errorf("Aside in the end: got %v, want ErrNotCutOff", err)
			}
		})
	}
}

// The end of a process that was cut off is the end of that, too.
func TestSentinel_cutOff_killed(t *testing.T) {
	t.Parallel()
	s := sentinel(t, redisproc.SentinelOptions{Replicas: 1})
	flip(t, s.On, CutOff, "kill-server-1")
	for _, sw := range s.Switches() {
		if sw.Active != (sw.Name == "kill-server-1") {
			t.Errorf("%s: got active %v", sw.Name, sw.Active)
		}
	}
	if err := s.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := redistest.ClientOf(t, s.Process().Servers()[0]).Ping(t.Context()).Err(); err != nil {
		t.Errorf("PING at its own address: %v", err)
	}
}

func TestTopology_names(t *testing.T) {
	t.Parallel()
	s := sentinel(t, redisproc.SentinelOptions{Replicas: 1})
	if got, want := strings.Join(s.Nodes(), " "), "server-1 server-2 sentinel-1 sentinel-2 sentinel-3"; got != want {
		t.Errorf("Nodes: got %s, want %s", got, want)
	}
	if n, err := s.Node("sentinel-2"); err != nil || n != s.Process().Sentinels()[1] {
		t.Errorf("Node: got %v, %v", n, err)
	}
	if _, err := s.Node("server-3"); !errors.Is(err, ErrNoNode) || !strings.Contains(err.Error(), "server-1, server-2") {
		t.Errorf("an unknown node: got %v, want ErrNoNode with those there are", err)
	}
	if got := s.Name(nil); got != "" {
		t.Errorf("Name of a stranger: got %q", got)
	}
	seen := map[string]bool{}
	for _, sw := range s.Switches() {
		for _, text := range []string{sw.Name, sw.Title} {
			if text == "" || seen[text] {
				t.Errorf("%q is empty or stands for two switches", text)
			}
			seen[text] = true
		}
		if !strings.HasSuffix(sw.What, ".") {
			t.Errorf("%s: %q is no sentence", sw.Name, sw.What)
		}
	}
	if want := 2 * (5*3 + 2); len(seen) != want {
		t.Errorf("got %d names and titles, want %d", len(seen), want)
	}
}

// A picture is there also while a switch is being flipped.
func TestPanel_meanwhile(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	p := newPanel([]lever{{name: "slow", throw: func(context.Context) (undo, error) {
		close(entered)
		<-leave
		return func(context.Context) error { return nil }, nil
	}}})
	done := make(chan error)
	go func() { done <- p.on(t.Context(), "slow") }()
	<-entered
	if got := fmt.Sprint(p.switches()[0].Active); got != "false" {
		t.Errorf("while it is flipped: got active %s", got)
	}
	close(leave)
	if err := <-done; err != nil || !p.switches()[0].Active {
		t.Errorf("after it: got %v, active %v", err, p.switches()[0].Active)
	}
}
