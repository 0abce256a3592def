package incident

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/redis-grind/grind/internal/unit"
)

// fleet is the copies of the program that run. It is safe for concurrent use.
type fleet struct {
	incident *unit.Incident
	binary   string
	env      []string
	crash    func(*crashError) // told of a copy that ends by itself

	mu      sync.Mutex
	all     []*program
	count   int // of all that were started
	watches sync.WaitGroup
}

// house moves the binary into the server's directory, which is removed with the server,
// also when we are killed.
func (f *fleet) house(from, serverDir string) error {
	f.binary = binaryIn(serverDir)
	return errors.Join(os.Rename(binaryIn(from), f.binary), os.RemoveAll(from))
}

// launch starts a copy and returns when it listens.
func (f *fleet) launch(ctx context.Context) (*program, error) {
	f.mu.Lock()
	n := f.count
	f.count++
	f.mu.Unlock()
	p, err := startProgram(ctx, f.binary, slices.Concat(f.env, []string{"COPY=" + f.incident.CopyName(n)})...)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, p)
	f.watches.Go(func() {
		<-p.ended
		if !p.told.Load() {
			f.crash(&crashError{p.said.String()})
		}
		p.stop()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.all = slices.DeleteFunc(f.all, func(o *program) bool { return o == p })
	})
	return p, nil
}

// copy starts one more while the incident runs.
func (f *fleet) copy(ctx context.Context) (unit.Copy, error) {
	p, err := f.launch(ctx)
	if err != nil {
		if crash, ok := asCrash(err); ok && ctx.Err() == nil {
			f.crash(crash)
		}
		return unit.Copy{}, err
	}
	return p.copy(), nil
}

func (f *fleet) copies() []unit.Copy {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []unit.Copy
	for _, p := range f.all {
		out = append(out, p.copy())
	}
	return out
}

// stop ends all copies as they stand. Nothing may be launched any more.
func (f *fleet) stop() {
	f.mu.Lock()
	all := slices.Clone(f.all)
	f.mu.Unlock()
	for _, p := range all {
		p.told.Store(true)
		p.stop()
	}
	f.watches.Wait()
}

// copy is the program as an incident handles it.
func (p *program) copy() unit.Copy {
	return unit.Copy{Addr: p.addr, Leave: p.leave, Ended: p.ended, Kill: func() {
		p.told.Store(true)
		p.stop()
	}}
}

// binaryIn is where the program is in its folder.
func binaryIn(dir string) string { return filepath.Join(dir, "program.exe") }
