package incident

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/redisproc"
)

// deployment is one version of the program under load, on a Redis of its own.
type deployment struct {
	number  int
	server  *lab.Server
	client  *redis.Client // straight to the server
	wire    *wire
	copies  []*program
	play    unit.Play
	crashed chan *crashError // takes the first one

	cancel context.CancelFunc
	work   sync.WaitGroup
	close  sync.Once
	dir    string // of the binary; removed when the copies run
}

// deploy starts a server, fills it, starts the copies and drives them. It owns
// dir, which holds the binary. On an error nothing is left.
func deploy(ctx context.Context, i *unit.Incident, number int, redisBinary, dir string) (*deployment, error) {
	d := &deployment{number: number, wire: newWire(), crashed: make(chan *crashError, 1), dir: dir, cancel: func() {}}
	if err := d.start(ctx, i, redisBinary); err != nil {
		return nil, errors.Join(err, d.end())
	}
	return d, nil
}

func (d *deployment) start(ctx context.Context, i *unit.Incident, redisBinary string) (err error) {
	d.server, err = lab.Start(ctx, redisproc.Options{Binary: redisBinary, Name: i.ID}, func(o *tap.Options) { o.Sink = d.wire.see })
	if errors.Is(err, redisproc.ErrNotInstalled) {
		return ErrNoRedis
	}
	if err != nil {
		return err
	}
	d.client = d.server.Client(func(o *redis.Options) { o.ClientName, o.ContextTimeoutEnabled = "judge", true })
	if err := i.Seed(ctx, d.client); err != nil {
		return fmt.Errorf("incident: %w", err)
	}
	for range i.Copies {
		p, err := startProgram(ctx, binaryIn(d.dir), d.server.TapAddr())
		if err != nil {
			return err
		}
		d.copies = append(d.copies, p)
	}
	// What runs needs its file no more, and so a kill leaves none.
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("incident: %w", err)
	}
	d.play = i.Open(unit.Scene{Programs: d.addrs(), Redis: d.client, Requests: d.wire.requests})
	alive, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel = cancel
	d.work.Go(func() { d.play.Load(alive) })
	for _, p := range d.copies {
		d.work.Go(func() { d.watch(alive, p) })
	}
	return nil
}

// watch tells of a copy that ends by itself.
func (d *deployment) watch(ctx context.Context, p *program) {
	select {
	case <-ctx.Done():
	case <-p.ended:
		select {
		case d.crashed <- &crashError{p.said.String()}:
		default:
		}
	}
}

func (d *deployment) addrs() []string {
	var out []string
	for _, p := range d.copies {
		out = append(out, p.addr)
	}
	return out
}

// end stops all of it. A second call does nothing.
func (d *deployment) end() (err error) {
	d.close.Do(func() {
		d.cancel()
		d.work.Wait()
		for _, p := range d.copies {
			p.stop()
		}
		if d.client != nil {
			d.client.Close()
		}
		if d.server != nil { // else it did not start
			err = d.server.Close()
		}
		err = errors.Join(err, os.RemoveAll(d.dir))
	})
	return err
}

// binaryIn is where the program is in its folder.
func binaryIn(dir string) string { return filepath.Join(dir, "program.exe") }
