package redisproc

import (
	"cmp"
	"fmt"
	"strconv"
	"time"
)

// DefaultReplicas is how many replicas a primary has in a replica set, with
// Sentinels or without.
const DefaultReplicas = 2

// ReplicaSetOptions are those of a primary and its replicas. Zero ones are a
// primary with two.
type ReplicaSetOptions struct {
	// Server holds the options of each server; its Port must be zero.
	Server Options
	// Replicas is their number. Zero is DefaultReplicas; negative is an error.
	Replicas int
}

// The defaults of SentinelOptions.
const (
	// DefaultSentinels are as few as can lose one and still agree.
	DefaultSentinels = 3
	// DefaultDownAfter is short of Redis's thirty seconds, which nobody would
	// wait for in a test.
	DefaultDownAfter = time.Second
	// DefaultFailoverTimeout is short of Redis's three minutes: twice as long
	// passes between two attempts at a failover.
	DefaultFailoverTimeout = 3 * time.Second
	// DefaultMaster is the name of what the Sentinels watch.
	DefaultMaster = "main"
)

// SentinelOptions are those of a primary, its replicas, and the Sentinels that
// watch them. Zero ones are one, two and three of these.
type SentinelOptions struct {
	// Server holds the options of each server with data; its Port must be zero.
	// TLS, ClientCerts and Password are for the Sentinels too; its ACL is not.
	Server Options
	// Replicas is their number. Zero is DefaultReplicas; negative is an error.
	Replicas int
	// Sentinels is their number. Zero is DefaultSentinels; negative is an error.
	Sentinels int
	// Quorum is how many Sentinels must find the primary dead. Zero is the
	// majority; negative, or more than there are, is an error.
	Quorum int
	// Master is the name by which clients ask for the primary. Empty is
	// DefaultMaster.
	Master string
	// DownAfter is how long the primary may be silent. Zero is
	// DefaultDownAfter; less than a millisecond is an error.
	DownAfter time.Duration
	// FailoverTimeout bounds a step of a failover, and twice as long passes
	// before the next attempt. Zero is DefaultFailoverTimeout; less than a
	// millisecond is an error.
	FailoverTimeout time.Duration
}

// resolve puts the defaults in place of zeros and checks the rest.
func (o SentinelOptions) resolve() (SentinelOptions, error) {
	o.Replicas = cmp.Or(o.Replicas, DefaultReplicas)
	o.Sentinels = cmp.Or(o.Sentinels, DefaultSentinels)
	o.Quorum = cmp.Or(o.Quorum, o.Sentinels/2+1)
	o.Master = cmp.Or(o.Master, DefaultMaster)
	o.DownAfter = cmp.Or(o.DownAfter, DefaultDownAfter)
	o.FailoverTimeout = cmp.Or(o.FailoverTimeout, DefaultFailoverTimeout)
	bad := func(field, rule string, value any) error {
		return fmt.Errorf("redisproc: SentinelOptions.%s %s, got %v", field, rule, value)
	}
	switch {
	case o.Replicas < 0:
		return o, bad("Replicas", "must not be negative", o.Replicas)
	case o.Sentinels < 0:
		return o, bad("Sentinels", "must not be negative", o.Sentinels)
	case o.Quorum < 0 || o.Quorum > o.Sentinels:
		return o, bad("Quorum", fmt.Sprintf("must be in 0..%d, the number of Sentinels", o.Sentinels), o.Quorum)
	case !isDirective(o.Master): // the same letters, by Sentinel's own rule
		return o, bad("Master", "must be letters, digits, '-' and '.'", strconv.Quote(o.Master))
	case o.DownAfter < time.Millisecond:
		return o, bad("DownAfter", "must be at least a millisecond", o.DownAfter)
	case o.FailoverTimeout < time.Millisecond:
		return o, bad("FailoverTimeout", "must be at least a millisecond", o.FailoverTimeout)
	}
	return o, nil
}

// The defaults of ClusterOptions.
const (
	// DefaultPrimaries are as few as can lose one and still agree.
	DefaultPrimaries = 3
	// DefaultNodeTimeout is what this repository's promises of recovery are
	// stated for; Redis's own is 15 s.
	DefaultNodeTimeout = 2 * time.Second

	// leastNodeTimeout is how often a node looks after its links.
	leastNodeTimeout = 100 * time.Millisecond
)

// ClusterOptions are those of a cluster. Zero ones are three primaries with a
// replica each.
type ClusterOptions struct {
	// Server holds the options of each node; its Port must be zero.
	Server Options
	// Primaries is their number. Zero is DefaultPrimaries; negative is an error.
	// With fewer than three nobody can be voted in for a dead one.
	Primaries int
	// Replicas is how many each primary has. Zero is one; negative is none.
	Replicas int
	// NodeTimeout is how long a node may be silent until it is held for dead
	// (cluster-node-timeout). Zero is DefaultNodeTimeout; less than 100 ms is an
	// error.
	NodeTimeout time.Duration
}

// resolve puts the defaults in place of zeros and checks the rest.
func (o ClusterOptions) resolve() (ClusterOptions, error) {
	o.Primaries = cmp.Or(o.Primaries, DefaultPrimaries)
	o.Replicas = max(0, cmp.Or(o.Replicas, 1))
	o.NodeTimeout = cmp.Or(o.NodeTimeout, DefaultNodeTimeout)
	switch {
	case o.Primaries < 0 || o.Primaries > Slots:
		return o, fmt.Errorf("redisproc: ClusterOptions.Primaries must be in 0..%d, got %d", Slots, o.Primaries)
	case o.NodeTimeout < leastNodeTimeout:
		return o, fmt.Errorf("redisproc: ClusterOptions.NodeTimeout must be at least %v, got %v", leastNodeTimeout, o.NodeTimeout)
	}
	return o, nil
}
