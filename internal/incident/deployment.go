package incident

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/lab"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/redisproc"
)

// deployment is one version of the program under load, on a Redis of its own.
type deployment struct {
	number int
	server *lab.Server
	client *redis.Client // straight to the server
	wire   *wire
	fleet  *fleet
	origin *origin // nil if there is none
	play   unit.Play
	// programs are the addresses at which people find the program.
	programs []string
	crashed  chan *crashError // takes the first one

	cancel context.CancelFunc
	work   sync.WaitGroup
	close  sync.Once
	dir    string // in which the binary was built
}

// deploy starts a server, fills it, starts the copies and drives them. It owns
// dir, which holds the binary. On an error nothing is left.
func deploy(ctx context.Context, i *unit.Incident, number int, redisBinary, dir string) (*deployment, error) {
	d := &deployment{number: number, wire: newWire(), crashed: make(chan *crashError, 1), dir: dir, cancel: func() {}}
	d.fleet = &fleet{incident: i, crash: d.crash}
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
	scene := unit.Scene{Redis: d.client, Requests: d.wire.requests}
	env := []string{"GRIND_CHILD=1", "REDIS_ADDR=" + d.server.TapAddr()}
	if i.Origin != nil {
		scene.Origin = i.Origin()
		if d.origin, err = serveOrigin(ctx, scene.Origin); err != nil {
			return err
		}
		env = append(env, "ORIGIN_URL="+d.origin.url)
	}
	d.fleet.env = env
	if err := d.fleet.house(d.dir, d.server.Process().Dir()); err != nil {
		return fmt.Errorf("incident: %w", err)
	}
	for range i.Copies {
		p, err := d.fleet.launch(ctx)
		if err != nil {
			return err
		}
		scene.Programs = append(scene.Programs, p.addr)
	}
	scene.Copies, scene.Launch, scene.Throw = d.fleet.copies(), d.fleet.copy, d.server.Throw
	d.play = i.Open(scene)
	alive, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel = cancel
	d.wire.throws(d.play.Strike, d.server.Throw)
	d.programs = scene.Programs
	if d.play.Addr != "" {
		d.programs = []string{d.play.Addr}
	}
	d.work.Go(func() { d.play.Load(alive) })
	return nil
}

// crash tells of a copy that ended by itself.
func (d *deployment) crash(crash *crashError) {
	select {
	case d.crashed <- crash:
	default:
	}
}

// end stops all of it. A second call does nothing.
func (d *deployment) end() (err error) {
	d.close.Do(func() {
		d.cancel()
		d.work.Wait()
		d.fleet.stop()
		if d.origin != nil {
			d.origin.close()
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
