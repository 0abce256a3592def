package incident

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/redis-grind/grind/internal/unit/exercise"
)

// build is what came of building one version of the learner's file.
type build struct {
	dir     string // holds the binary; whoever takes the build removes it
	trouble string // of the compiler; empty when it compiled
	err     error  // what kept it from being built
}

// builds follows the saves of a file and builds each; a newer save ends the build
// of an older one.
type builds struct {
	began chan struct{}
	done  chan build
	work  sync.WaitGroup
}

func newBuilds(ctx context.Context, r *Runner, file string) *builds {
	b := &builds{began: make(chan struct{}), done: make(chan build)}
	b.work.Go(func() {
		cancel := func() {}
		var building sync.WaitGroup
		stop := func() { cancel(); building.Wait() }
		defer func() { stop() }()
		exercise.WatchFile(ctx, file, func() { stop() }, func() {
			stop()
			var one context.Context
			one, cancel = context.WithCancel(ctx) //nolint:gosec // stop calls it
			building.Go(func() { b.build(one, r, file) })
		})
	})
	return b
}

// build builds once and hands over what came of it, unless ctx ends before.
func (b *builds) build(ctx context.Context, r *Runner, file string) {
	select {
	case b.began <- struct{}{}:
	case <-ctx.Done():
		return
	}
	var out build
	source, err := r.source(file)
	if err == nil {
		out, err = r.compile(ctx, source)
	}
	out.err = err
	select {
	case b.done <- out:
	case <-ctx.Done():
		os.RemoveAll(out.dir)
	}
}

// wait returns when nothing is built any more.
func (b *builds) wait() { b.work.Wait() }

// compile builds the program with source in the place of the learner's file.
func (r *Runner) compile(ctx context.Context, source []byte) (build, error) {
	dir, err := os.MkdirTemp("", "grind-incident-")
	if err != nil {
		return build{}, fmt.Errorf("incident: %w", err)
	}
	p := exercise.Program{Root: r.Root, Dir: r.programDir(), Overlay: map[string][]byte{r.original(r.Entry.Incident.File): source}}
	trouble, err := exercise.Build(ctx, p, binaryIn(dir))
	if err != nil || trouble != "" {
		os.RemoveAll(dir)
		dir = ""
	}
	return build{dir: dir, trouble: trouble}, err
}
