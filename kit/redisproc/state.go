package redisproc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Role is what a server is in its topology.
type Role string

// The roles. A server that does not answer has none.
const (
	RolePrimary  Role = "primary"
	RoleReplica  Role = "replica"
	RoleSentinel Role = "sentinel"
)

// State is what one server of a topology says of itself at one moment.
type State struct {
	// Server is the one that was asked.
	Server *Server
	// Running says that its process lives; a paused one does.
	Running bool
	// Answers says that it answered within a second. All that follows is zero
	// when it did not.
	Answers bool
	// Role is empty for a server that does not answer.
	Role Role
	// Follows is the address of a replica's primary, or of the primary that a
	// Sentinel names.
	Follows string
	// LinkUp says that a replica is connected to its primary and in step.
	LinkUp bool
	// Offset is how many bytes of replication a primary has written, and a
	// replica has read.
	Offset int64
	// Slots are those of a primary in a cluster, in order.
	Slots []SlotRange
	// Sees is the topology as this server sees it, for a node of a cluster.
	Sees []Peer
	// Healthy says that the cluster is in order for this node: cluster_state:ok.
	Healthy bool

	online []string // addresses of the replicas that a primary sends to
}

// SlotRange is some hash slots of a cluster, both ends included.
type SlotRange struct {
	First int `json:"first"`
	Last  int `json:"last"`
}

// Peer is one node of a cluster, as another sees it.
type Peer struct {
	// ID is the node's own name for itself, 40 hexadecimal digits.
	ID string
	// Addr is its address.
	Addr string
	// Role is RolePrimary or RoleReplica.
	Role Role
	// Follows is the ID of a replica's primary.
	Follows string
	// Failing says that it is thought dead, by this node (pfail) or by the
	// cluster (fail).
	Failing bool
	// Connected says that this node's link to it stands.
	Connected bool
	// Slots are those that it owns.
	Slots []SlotRange

	myself  bool
	joining bool // in a handshake, or without an address
}

// states asks all servers at the same time.
func states(ctx context.Context, servers []*Server) []State {
	out := make([]State, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() { out[i] = s.state(ctx) })
	}
	wg.Wait()
	return out
}

// state asks one server, in one round trip.
func (s *Server) state(ctx context.Context) State {
	st := State{Server: s, Running: s.Running()}
	if !st.Running {
		return st
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	p := s.admin.Pipeline()
	if master := s.options.wiring.watches; master != "" {
		named := p.Do(ctx, "sentinel", "get-master-addr-by-name", master)
		if run(ctx, p) == nil {
			st.Answers, st.Role = true, RoleSentinel
			if addr, err := named.StringSlice(); err == nil && len(addr) == 2 {
				st.Follows = net.JoinHostPort(addr[0], addr[1])
			}
		}
		return st
	}
	info := p.Info(ctx, "replication")
	var nodes, cluster *redis.StringCmd
	if s.options.wiring.cluster {
		nodes, cluster = p.ClusterNodes(ctx), p.ClusterInfo(ctx)
	}
	if run(ctx, p) != nil {
		return st
	}
	st.Answers = true
	st.replication(info.Val())
	if nodes != nil {
		st.Healthy = strings.Contains(cluster.Val(), "cluster_state:ok")
		st.Sees = parseNodes(nodes.Val())
		if i := slices.IndexFunc(st.Sees, func(p Peer) bool { return p.myself }); i >= 0 {
			st.Slots = st.Sees[i].Slots
		}
	}
	return st
}

// run executes a pipeline. A connection that was refused at its beginning
// leaves the commands without an error, so that of the pipeline counts.
func run(ctx context.Context, p redis.Pipeliner) error {
	_, err := p.Exec(ctx)
	return err
}

// replication reads INFO replication.
func (st *State) replication(info string) {
	facts := map[string]string{}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		facts[name] = value
	}
	offset := facts["master_repl_offset"]
	if facts["role"] == "master" {
		st.Role = RolePrimary
		for i := 0; ; i++ {
			line, ok := facts["slave"+strconv.Itoa(i)]
			if !ok {
				break
			}
			var ip, port, state string
			for pair := range strings.SplitSeq(line, ",") {
				name, value, _ := strings.Cut(pair, "=")
				switch name {
				case "ip":
					ip = value
				case "port":
					port = value
				case "state":
					state = value
				}
			}
			if state == "online" {
				st.online = append(st.online, net.JoinHostPort(ip, port))
			}
		}
	} else {
		st.Role = RoleReplica
		st.Follows = net.JoinHostPort(facts["master_host"], facts["master_port"])
		st.LinkUp = facts["master_link_status"] == "up"
		offset = facts["slave_repl_offset"]
	}
	st.Offset, _ = strconv.ParseInt(offset, 10, 64) // of a server that says none: 0
}

// linked says what is missing until the running replicas among all follow
// their primary, which sends to them.
func linked(all []State) error {
	for _, st := range all {
		if !st.Running || st.Role != RoleReplica {
			continue
		}
		i := slices.IndexFunc(all, func(p State) bool { return p.Server.Addr() == st.Follows })
		switch {
		case i < 0:
			return fmt.Errorf("replica %s follows %s, which is none of ours", st.Server.Addr(), st.Follows)
		case all[i].Role != RolePrimary || !st.LinkUp || !slices.Contains(all[i].online, st.Server.Addr()):
			return fmt.Errorf("replica %s is not in step with %s", st.Server.Addr(), st.Follows)
		}
	}
	return nil
}

// ackWait is how long a primary waits for the word of its replicas, in one try.
const ackWait = 200 * time.Millisecond

// inStep says what is missing until the running replicas among all follow their
// primary and have read all that it wrote. The state "online" in INFO would not
// do: after a full synchronisation nothing is sent to a replica before its first
// acknowledgement, up to a second later.
func inStep(ctx context.Context, all []State) error {
	if err := linked(all); err != nil {
		return err
	}
	var primaries []*Server
	for _, st := range all {
		if len(st.online) > 0 {
			primaries = append(primaries, st.Server)
		}
	}
	return each(primaries, func(_ int, s *Server) error {
		want := 0
		for _, st := range all {
			if st.Running && st.Role == RoleReplica && st.Follows == s.Addr() {
				want++
			}
		}
		p := s.admin.Pipeline()
		p.Publish(ctx, adminUser, "") // goes to the replicas too, and is no key
		acked := p.Do(ctx, "wait", want, ackWait.Milliseconds())
		if err := run(ctx, p); err != nil {
			return err
		}
		if n, err := acked.Int(); err != nil || n < want {
			return fmt.Errorf("%d of %d replicas have read all", n, want)
		}
		return nil
	})
}

// answering says which of the running servers does not answer. Those of without
// are then as good as dead.
func answering(all []State, without []*Server) error {
	for i, st := range all {
		if !st.Running || st.Answers {
			continue
		}
		if !slices.Contains(without, st.Server) {
			return fmt.Errorf("%s does not answer", st.Server.Addr())
		}
		all[i].Running = false
	}
	return nil
}

// hung are the servers that do not answer, dead ones too.
func hung(all []State) (out []*Server) {
	for _, st := range all {
		if !st.Answers {
			out = append(out, st.Server)
		}
	}
	return out
}

// parseNodes reads CLUSTER NODES: a line for each node, with its id, address,
// flags, primary, times of ping and pong, epoch, state of the link, and slots.
func parseNodes(text string) []Peer {
	var peers []Peer
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		addr, _, _ := strings.Cut(f[1], "@")
		flags := strings.Split(f[2], ",")
		has := func(flag string) bool { return slices.Contains(flags, flag) }
		p := Peer{
			ID: f[0], Addr: addr, Role: RolePrimary,
			Failing:   has("fail") || has("fail?"),
			Connected: f[7] == "connected",
			myself:    has("myself"),
			joining:   has("handshake") || has("noaddr"),
		}
		if has("slave") {
			p.Role, p.Follows = RoleReplica, f[3]
		}
		for _, word := range f[8:] {
			if r, err := parseSlots(word); err == nil {
				p.Slots = append(p.Slots, r)
			}
		}
		peers = append(peers, p)
	}
	return peers
}

// errNoSlots says that a word of CLUSTER NODES is no range of slots.
var errNoSlots = errors.New("no range of slots")

// parseSlots reads "7" or "0-5460". What stands in brackets is a slot on its way
// to another node, and stands in a range besides, with the node that owns it.
func parseSlots(word string) (SlotRange, error) {
	first, last, isRange := strings.Cut(word, "-")
	if !isRange {
		last = first
	}
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(last)
	if errA != nil || errB != nil || a < 0 || a > b || b >= Slots {
		return SlotRange{}, errNoSlots
	}
	return SlotRange{a, b}, nil
}
