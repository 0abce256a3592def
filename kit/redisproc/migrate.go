package redisproc

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// migrateBatch is how many keys MigrateSlot moves at once. The source serves
	// nobody meanwhile, so it is kept short.
	migrateBatch = 100
	// migrateTimeout is for one batch, however large its values are.
	migrateTimeout = 10 * time.Second
)

// Migration is a hash slot on its way from one primary to another. Until Finish
// the source answers for the keys that it still has, and with ASK for all others:
// they are the target's already.
type Migration struct {
	// Slot is what moves.
	Slot int
	// From serves the slot until Finish, To from then on.
	From, To *Server

	cluster *Cluster
}

// MigrateSlot moves a slot with its keys to another primary, while clients go on
// using them. To the one that serves it already it does nothing. It returns
// when all running primaries know; the replicas hear of it by gossip: see
// WaitStable. After an error the slot may be open; calling it again goes on.
//
// Redis: 1 round trip to each node, 3 to the source and 2 to the target, 2 to the
// source for each 100 keys, and 2 to all primaries.
func (c *Cluster) MigrateSlot(ctx context.Context, slot int, to *Server) error {
	from, err := c.Primary(ctx, slot)
	if err != nil || from == to {
		return err
	}
	return c.migrate(ctx, slot, from, to)
}

func (c *Cluster) migrate(ctx context.Context, slot int, from, to *Server) error {
	m, err := c.begin(ctx, slot, from, to)
	for moved := 1; err == nil && moved > 0; {
		moved, err = m.Move(ctx, migrateBatch)
	}
	if err != nil {
		return err
	}
	return m.Finish(ctx)
}

// Reshard moves the first n slots of a primary to another, one after the other,
// and returns when WaitStable would. After an error some of them may have moved,
// and one may be open.
//
// Redis: as MigrateSlot for each slot; 500 slots took 2 to 4 s.
func (c *Cluster) Reshard(ctx context.Context, from, to *Server, n int) error {
	slots := from.state(ctx).Slots
	if have := count(slots); n < 0 || n > have {
		return fmt.Errorf("redisproc: reshard %s: the number of slots must be in 0..%d, which it serves, got %d", from.Addr(), have, n)
	}
	for _, r := range slots {
		for slot := r.First; slot <= r.Last && n > 0; slot++ {
			if err := c.migrate(ctx, slot, from, to); err != nil {
				return err
			}
			n--
		}
	}
	return c.WaitStable(ctx)
}

// BeginMigration opens a slot for its way to another primary, and moves
// nothing: it is there to look at what stands between the two ends of
// MigrateSlot, which most callers want.
func (c *Cluster) BeginMigration(ctx context.Context, slot int, to *Server) (*Migration, error) {
	from, err := c.Primary(ctx, slot)
	if err != nil {
		return nil, err
	}
	return c.begin(ctx, slot, from, to)
}

func (c *Cluster) begin(ctx context.Context, slot int, from, to *Server) (*Migration, error) {
	if c.ids[to] == "" || to == from {
		return nil, fmt.Errorf("redisproc: migrate slot %d from %s to %s: %w", slot, from.Addr(), to.Addr(), ErrNotMember)
	}
	m := &Migration{Slot: slot, From: from, To: to, cluster: c}
	// The target first: from the second command on the source sends clients there.
	err := to.admin.Do(ctx, "cluster", "setslot", slot, "importing", c.ids[from]).Err()
	if err == nil {
		err = from.admin.Do(ctx, "cluster", "setslot", slot, "migrating", c.ids[to]).Err()
	}
	if err != nil {
		return nil, m.error("open it", err)
	}
	return m, nil
}

// Move moves up to n keys, and says how many there were: zero when all have
// moved. A key that has expired meanwhile counts. After a time-out some of them
// may have moved; calling it again is safe.
func (m *Migration) Move(ctx context.Context, n int) (moved int, err error) {
	keys, err := m.From.admin.ClusterGetKeysInSlot(ctx, m.Slot, n).Result()
	if err != nil {
		return 0, m.error("list keys", err)
	}
	if len(keys) == 0 {
		return 0, nil
	}
	h, port := m.To.hostPort()
	args := []any{"migrate", h, port, "", 0, migrateTimeout.Milliseconds()}
	if secret := m.To.options.wiring.secret; secret != "" {
		args = append(args, "auth2", adminUser, secret)
	}
	args = append(args, "keys")
	for _, key := range keys {
		args = append(args, key)
	}
	if err := m.From.admin.WithTimeout(migrateTimeout).Do(ctx, args...).Err(); err != nil {
		return 0, m.error("move keys", err)
	}
	return len(keys), nil
}

// Finish gives the slot to the target, and tells all running primaries. A slot
// that still has keys at the source is refused. Calling it again is safe.
func (m *Migration) Finish(ctx context.Context) error {
	give := func(s *Server) error {
		return s.admin.Do(ctx, "cluster", "setslot", m.Slot, "node", m.cluster.ids[m.To]).Err()
	}
	left, err := m.From.admin.ClusterCountKeysInSlot(ctx, m.Slot).Result()
	if err == nil && left > 0 {
		err = fmt.Errorf("%d keys are left", left)
	}
	if err != nil {
		return m.error("finish", err)
	}
	// The target first: if the source went first and both forgot, nobody would
	// have the slot.
	for _, s := range []*Server{m.To, m.From} {
		if err := give(s); err != nil {
			return m.error("finish", err)
		}
	}
	rest := slices.DeleteFunc(m.cluster.Primaries(ctx), func(s *Server) bool { return s == m.To || s == m.From })
	if err := each(rest, func(_ int, s *Server) error { return give(s) }); err != nil {
		return m.error("tell the others", err)
	}
	return nil
}

func (m *Migration) error(what string, err error) error {
	return fmt.Errorf("redisproc: migrate slot %d from %s to %s: %s: %w", m.Slot, m.From.Addr(), m.To.Addr(), what, err)
}
