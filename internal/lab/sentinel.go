package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
)

// ErrNotCutOff says that no primary is cut off, so that there is nothing beside
// the rest.
var ErrNotCutOff = errors.New("no primary is cut off")

// Sentinel is a primary with replicas and Sentinels to break. Its nodes are
// server-1, which is the primary at the start, server-2 and so on, then
// sentinel-1 and so on. It is safe for concurrent use.
type Sentinel struct {
	*Topology
	process        *redisproc.Sentinel
	user, password string // who may cut off

	mu  sync.Mutex
	cut *cutOff // nil when nobody is cut off
}

// cutOff is a primary that listens where only its own side finds it.
type cutOff struct {
	server *redisproc.Server
	addr   string
}

// StartSentinel starts servers and Sentinels. ctx bounds the start only. The
// caller owes it a Close.
func StartSentinel(ctx context.Context, o redisproc.SentinelOptions) (*Sentinel, error) {
	user, password := adminOf(&o.Server)
	process, err := redisproc.StartSentinel(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	s := &Sentinel{process: process, user: user, password: password, Topology: &Topology{
		nodes:  slices.Concat(nodesOf("server", process.Servers()), nodesOf("sentinel", process.Sentinels())),
		states: process.Status,
		stop:   process.Stop,
	}}
	s.ended = s.rejoined
	var levers []lever
	for _, n := range s.nodes {
		levers = append(levers, s.levers(n)...)
	}
	s.panel = newPanel(append(levers,
		lever{
			name: FailOver, title: "Fail over", momentary: true,
			what: "The Sentinels promote a replica (SENTINEL FAILOVER): what the old primary acknowledged and had not sent yet is lost.",
			throw: func(ctx context.Context) (undo, error) {
				_, err := process.FailOver(ctx)
				return nil, err
			},
		},
		lever{
			name: CutOff, title: "Cut off the primary",
			what:  "Sentinels and replicas lose sight of the primary; clients that are connected stay on its side and go on writing, and all of that is lost when it comes back.",
			throw: s.cutOff,
		},
	))
	return s, nil
}

// Process is the topology itself: its client's options, and who is the primary.
func (s *Sentinel) Process() *redisproc.Sentinel { return s.process }

// Client connects to whoever the Sentinels name, as the default user. changes
// may set further options. The caller closes it.
func (s *Sentinel) Client(changes ...func(*redis.FailoverOptions)) *redis.Client {
	o := s.process.Options()
	for _, change := range changes {
		change(o)
	}
	return redis.NewFailoverClient(o)
}

// Aside connects to the primary that is cut off, as a client that is cut off
// with it, and is ErrNotCutOff if there is none. changes may set further
// options. The caller closes it.
func (s *Sentinel) Aside(changes ...func(*redis.Options)) (*redis.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut == nil {
		return nil, fmt.Errorf("lab: %w", ErrNotCutOff)
	}
	return newClient(s.optionsOf(s.cut.server, s.cut.addr), changes), nil
}

func (s *Sentinel) optionsOf(server *redisproc.Server, addr string) *redis.Options {
	return &redis.Options{Addr: addr, Password: server.Password(), TLSConfig: server.TLSConfig()}
}

// cutOff makes the primary listen on another port and ends the connections of
// the others, which come back to the old one in vain. Connections of clients
// stay, as those of clients on its side of a network that broke in two.
func (s *Sentinel) cutOff(ctx context.Context) (undo, error) {
	primary, err := s.process.Primary(ctx)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	cut := &cutOff{primary, l.Addr().String()}
	if err := l.Close(); err != nil {
		return nil, err
	}
	if err := s.listen(ctx, primary, primary.Addr(), cut.addr); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.cut = cut
	s.mu.Unlock()
	return func(ctx context.Context) error {
		err := s.listen(ctx, primary, cut.addr, primary.Addr())
		if err == nil {
			s.rejoined(primary)
		}
		return err
	}, nil
}

// rejoined notes that a server listens at its own address again, as after each
// start of its process.
func (s *Sentinel) rejoined(server *redisproc.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut != nil && s.cut.server == server {
		s.cut = nil
		s.panel.forget(CutOff)
	}
}

// listen moves a server from one address to another, and ends its connections to
// Sentinels and replicas.
func (s *Sentinel) listen(ctx context.Context, server *redisproc.Server, from, to string) error {
	admin := s.admin(server, from)
	defer admin.Close()
	directive := "port"
	if server.TLSConfig() != nil {
		directive = "tls-port"
	}
	_, port, err := net.SplitHostPort(to)
	if err != nil {
		return err
	}
	if err := admin.ConfigSet(ctx, directive, port).Err(); err != nil {
		return err
	}
	list, err := admin.ClientList(ctx).Result()
	if err != nil {
		return err
	}
	_, err = admin.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ClientKillByFilter(ctx, "type", "replica")
		for _, id := range sentinelConnections(list) {
			p.ClientKillByFilter(ctx, "id", strconv.Itoa(id))
		}
		return nil
	})
	return err
}

func (s *Sentinel) admin(server *redisproc.Server, addr string) *redis.Client {
	o := s.optionsOf(server, addr)
	o.Username, o.Password, o.ClientName = s.user, s.password, adminUser
	o.PoolSize, o.MaxRetries, o.DialerRetries = 1, -1, 1
	o.DialTimeout, o.ReadTimeout, o.ContextTimeoutEnabled = adminTimeout, adminTimeout, true
	return redis.NewClient(o)
}

// sentinelConnections reads CLIENT LIST: a Sentinel names its connections
// sentinel-<the beginning of its id>-cmd and -pubsub.
func sentinelConnections(list string) (ids []int) {
	for line := range strings.Lines(list) {
		var id int
		isSentinel := false
		for word := range strings.FieldsSeq(line) {
			name, value, _ := strings.Cut(word, "=")
			switch name {
			case "id":
				id, _ = strconv.Atoi(value)
			case "name":
				isSentinel = strings.HasPrefix(value, "sentinel-")
			}
		}
		if isSentinel {
			ids = append(ids, id)
		}
	}
	return ids
}
