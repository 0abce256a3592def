package track

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/internal/pipe"
)

// topology tells which masters a client talks to. It asks through the client
// itself, so that the pushes come from where the reads go.
type topology interface {
	look(ctx context.Context) (picture, error)
}

// picture is the topology at one moment.
type picture struct {
	masters map[string]master // by what tells a master from its successor
	slots   string            // who serves which slots, to compare with
}

// master is how to reach one.
type master struct {
	options *redis.Options // of the user's client; only to be read
	runID   string         // the process that must answer; empty is any at the address
}

// The methods of a client that are needed. They are interfaces so that a
// builder's own type around a client will do.
type (
	oneMaster interface {
		pipe.Client
		Options() *redis.Options
	}
	manyMasters interface {
		ForEachMaster(ctx context.Context, f func(context.Context, *redis.Client) error) error
		ClusterSlots(ctx context.Context) *redis.ClusterSlotsCmd
		Options() *redis.ClusterOptions
	}
)

func topologyOf(client redis.UniversalClient) (topology, error) {
	switch c := client.(type) {
	case oneMaster:
		return single{c}, nil
	case manyMasters:
		if c.Options().ReadOnly {
			return nil, fmt.Errorf("track: New: %w: the client reads from replicas", ErrUnsupported)
		}
		return cluster{c}, nil
	}
	return nil, fmt.Errorf("track: New: %w: a %T has no masters to follow", ErrUnsupported, client)
}

// single is a server, or the master that Sentinels name. Its address does not
// change in a failover, as go-redis finds the master inside its dialer: the
// process behind it is what tells one master from the next.
type single struct{ client oneMaster }

func (s single) look(ctx context.Context) (picture, error) {
	id, err := runID(ctx, s.client)
	if err != nil {
		return picture{}, err
	}
	return picture{masters: map[string]master{id: {options: s.client.Options(), runID: id}}}, nil
}

// runID is what a server calls itself, from its start to its end.
func runID(ctx context.Context, c pipe.Client) (string, error) {
	info := pipe.NewOnce(ctx, "info", "server")
	if err := c.Process(ctx, info); err != nil {
		return "", refusal("INFO", err)
	}
	text, err := info.Text()
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		if id, ok := strings.CutPrefix(line, "run_id:"); ok {
			return strings.TrimSpace(id), nil
		}
	}
	return "", fmt.Errorf("%w: INFO has no run_id", ErrUnsupported)
}

// cluster is all masters that have slots.
type cluster struct{ client manyMasters }

func (c cluster) look(ctx context.Context) (picture, error) {
	slots, err := c.slots(ctx)
	if err != nil {
		return picture{}, refusal("CLUSTER SLOTS", err)
	}
	p := picture{masters: map[string]master{}, slots: text(slots)}
	var mu sync.Mutex
	err = c.client.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		p.masters[node.Options().Addr] = master{options: node.Options()}
		return nil
	})
	if err == nil && len(p.masters) == 0 {
		err = errors.New("no master has slots")
	}
	return p, err
}

// slots asks as the client does: a cluster, or the function that its user gave
// it (NewFailoverClusterClient does, too). CLUSTER SHARDS, the successor, is not
// known before Redis 7.0.
func (c cluster) slots(ctx context.Context) ([]redis.ClusterSlot, error) {
	if f := c.client.Options().ClusterSlots; f != nil {
		return f(ctx)
	}
	return c.client.ClusterSlots(ctx).Result()
}

// text tells who serves what. Replicas come and go without a meaning for it.
func text(slots []redis.ClusterSlot) string {
	lines := make([]string, 0, len(slots))
	for _, s := range slots {
		if len(s.Nodes) > 0 {
			lines = append(lines, fmt.Sprintf("%d-%d %s", s.Start, s.End, s.Nodes[0].Addr))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
