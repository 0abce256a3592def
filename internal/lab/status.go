package lab

import (
	"context"

	"github.com/redis-grind/grind/kit/redisproc"
)

// Status is a picture of a topology at one moment: what each node says of
// itself, as far as it answers.
type Status struct {
	// Nodes are those of Topology.Nodes, in that order.
	Nodes []NodeStatus `json:"nodes"`
}

// NodeStatus is one node in a picture.
type NodeStatus struct {
	// Name is the node's, such as server-1.
	Name string `json:"name"`
	// Addr is its address, host:port.
	Addr string `json:"addr"`
	// Running says that its process lives; a paused one does.
	Running bool `json:"running"`
	// Answers says that it answered within a second. All that follows is zero
	// when it did not, but for Doubted and On.
	Answers bool `json:"answers"`
	// Role is primary, replica or sentinel.
	Role redisproc.Role `json:"role,omitempty"`
	// Follows is the name of a replica's primary, or of the server that a Sentinel
	// names as the primary.
	Follows string `json:"follows,omitempty"`
	// LinkUp says that a replica is connected to its primary.
	LinkUp bool `json:"link_up,omitempty"`
	// Offset is how many bytes of replication a primary has written, and a
	// replica has read.
	Offset int64 `json:"offset,omitempty"`
	// Behind is how many bytes of its primary's a replica has not read; they were
	// asked at almost the same time. Zero if the primary does not answer.
	Behind int64 `json:"behind,omitempty"`
	// Slots are those of a primary in a cluster.
	Slots []redisproc.SlotRange `json:"slots,omitempty"`
	// Healthy says that the cluster is in order for this node.
	Healthy bool `json:"healthy,omitempty"`
	// Doubted is how many nodes of a cluster hold this one for dead.
	Doubted int `json:"doubted,omitempty"`
	// On are the names of its switches that are on.
	On []string `json:"on,omitempty"`
}

// Status asks all nodes at the same time. It takes a second if one of them
// hangs.
//
// Redis: 1 round trip to each node: INFO, CLUSTER NODES and CLUSTER INFO, or
// SENTINEL GET-MASTER-ADDR-BY-NAME.
func (t *Topology) Status(ctx context.Context) Status {
	states := t.states(ctx)
	names, offsets, doubted := map[string]string{}, map[string]int64{}, map[string]int{}
	for i, st := range states {
		addr := st.Server.Addr()
		names[addr], offsets[addr] = t.nodes[i].name, st.Offset
		for _, peer := range st.Sees {
			if peer.Failing {
				doubted[peer.Addr]++
			}
		}
	}
	var picture Status
	for i, st := range states {
		n := NodeStatus{
			Name: t.nodes[i].name, Addr: st.Server.Addr(),
			Running: st.Running, Answers: st.Answers, Role: st.Role,
			Follows: names[st.Follows], LinkUp: st.LinkUp,
			Offset: st.Offset, Slots: st.Slots, Healthy: st.Healthy,
			Doubted: doubted[st.Server.Addr()],
		}
		if n.LinkUp {
			n.Behind = max(0, offsets[st.Follows]-st.Offset)
		}
		for _, s := range t.Switches() {
			if s.Active && (s.Name == Of(Pause, n.Name) || s.Name == Of(Kill, n.Name)) {
				n.On = append(n.On, s.Name)
			}
		}
		picture.Nodes = append(picture.Nodes, n)
	}
	return picture
}
