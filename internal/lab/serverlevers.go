package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// levers are the failures of the process. They exist for servers that this
// package started, and for no others.
func (s *Server) levers() []lever {
	return []lever{
		{name: Pause, title: "Pause", what: "The process stands still (SIGSTOP): connections stay open and nothing is answered, as on a machine that hangs.", throw: s.pause},
		{name: Kill, title: "Kill", what: "The process is killed (kill -9) and stays away; off starts it again, with the data that it had on disk.", throw: s.kill},
		{name: Restart, title: "Restart", what: "The process ends in order and starts again; what was not on disk is gone.", momentary: true, throw: s.restart},
		{name: ReadOnly, title: "Read-only", what: "The server becomes a replica of a master that never answers: reads work, each write is answered READONLY.", throw: s.readOnly},
		{name: OOM, title: "Out of memory", what: "maxmemory is set below what is used, without eviction: reads and deletes work, each write is answered OOM.", throw: s.outOfMemory},
		{name: ScriptFlush, title: "Forget scripts", what: "All loaded scripts are forgotten, as after a restart: the next EVALSHA is answered NOSCRIPT.", momentary: true, throw: s.scriptFlush},
	}
}

func (s *Server) pause(context.Context) (undo, error) {
	if err := s.process.Pause(); err != nil {
		return nil, err
	}
	return func(context.Context) error { return s.process.Resume() }, nil
}

// fresh notes that the process is a new one, or none: what was done to the old
// one ended with it.
func (s *Server) fresh() { s.panel.forget(Pause, Kill, ReadOnly, OOM) }

func (s *Server) kill(ctx context.Context) (undo, error) {
	if err := s.process.Kill(ctx); err != nil {
		return nil, err
	}
	s.fresh()
	return s.process.Restart, nil
}

func (s *Server) restart(ctx context.Context) (undo, error) {
	if err := s.process.Restart(ctx); err != nil {
		return nil, err
	}
	s.fresh()
	return nil, nil
}

// answers returns ErrDown when another switch is the reason why the server would
// not answer.
func (s *Server) answers() error {
	for _, name := range []string{Pause, Kill} {
		if _, on := s.panel.find(name); on {
			return fmt.Errorf("turn %s off first: %w", name, ErrDown)
		}
	}
	return nil
}

// readOnly makes the server a replica of a listener of ours that never answers.
// Nobody else can come to listen there, so no foreign data ever replace those of
// the server, which it keeps and serves meanwhile.
func (s *Server) readOnly(ctx context.Context) (undo, error) {
	if err := s.answers(); err != nil {
		return nil, err
	}
	_, err := s.admin.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ConfigSet(ctx, "replica-serve-stale-data", "yes")
		p.ConfigSet(ctx, "replica-read-only", "yes")
		p.ReplicaOf(ctx, "127.0.0.1", strconv.Itoa(s.silent.Addr().(*net.TCPAddr).Port))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := s.answers(); err != nil {
			return err
		}
		return s.admin.ReplicaOf(ctx, "NO", "ONE").Err()
	}, nil
}

// outOfMemory halves the memory that the server may use. Right below what is
// used would not do: a few connections that close would make room for writes.
func (s *Server) outOfMemory(ctx context.Context) (undo, error) {
	if err := s.answers(); err != nil {
		return nil, err
	}
	before, err := s.admin.ConfigGet(ctx, "maxmemory*").Result()
	if err != nil {
		return nil, err
	}
	used, err := s.usedMemory(ctx)
	if err != nil {
		return nil, err
	}
	// The policy is noeviction whenever the limit is low: nothing may be evicted.
	restore := func(ctx context.Context) error {
		if err := s.answers(); err != nil {
			return err
		}
		if err := s.admin.ConfigSet(ctx, "maxmemory", before["maxmemory"]).Err(); err != nil {
			return err
		}
		return s.admin.ConfigSet(ctx, "maxmemory-policy", before["maxmemory-policy"]).Err()
	}
	err = s.admin.ConfigSet(ctx, "maxmemory-policy", "noeviction").Err()
	if err == nil {
		err = s.admin.ConfigSet(ctx, "maxmemory", strconv.FormatInt(used/2, 10)).Err()
	}
	if err != nil {
		return nil, errors.Join(err, restore(ctx))
	}
	return restore, nil
}

// usedMemory is what the server holds itself to use, in bytes.
func (s *Server) usedMemory(ctx context.Context) (int64, error) {
	info := s.admin.InfoMap(ctx, "memory")
	if err := info.Err(); err != nil {
		return 0, err
	}
	return strconv.ParseInt(info.Item("Memory", "used_memory"), 10, 64)
}

func (s *Server) scriptFlush(ctx context.Context) (undo, error) {
	if err := s.answers(); err != nil {
		return nil, err
	}
	return nil, s.admin.ScriptFlush(ctx).Err()
}
