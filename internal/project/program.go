package project

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"
)

// keeper runs a program and ends it, and what that started, when the standard
// input ends, which comes however grind ends. The shell answers with the
// program's exit code.
const keeper = `
trap : TERM
exec 3<&0
(trap : TERM; cat <&3 >/dev/null; kill -TERM 0; sleep 3; kill -KILL 0) >/dev/null 2>&1 &
"$@" </dev/null 3<&-
`

// program is an instance that we started.
type program struct {
	addr  string
	said  *tail
	stdin io.Closer
	ended chan struct{} // closed when it has ended
	how   error         // how it ended, once it has; nil is exit code 0
}

// start starts one instance on a free port.
func start(ctx context.Context, argv []string, dir, redisURL, originURL string) (*program, error) {
	if len(argv) == 0 {
		return nil, errors.New("neither the addresses of running instances nor a program to start")
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, fmt.Errorf("the program: %w", err)
	}
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, err
	}
	p := &program{addr: addr, said: &tail{}, ended: make(chan struct{})}
	// Without the cancelling of ctx: stop lets it end in peace first.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "sh", append([]string{"-c", keeper, "sh"}, argv...)...)
	ownGroup(cmd)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "REDIS_URL="+redisURL, "ORIGIN_URL="+originURL, "ADDR="+addr)
	cmd.Stdout, cmd.Stderr = p.said, p.said
	cmd.WaitDelay = 5 * time.Second
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	go func() { // ends with the program, and that at the latest with stop
		defer close(p.ended)
		p.how = cmd.Wait()
	}()
	return p, nil
}

// stop ends the program: in peace, and after three seconds by force.
func (p *program) stop() {
	_ = p.stdin.Close() // closed already when it has ended
	<-p.ended
}

// running reports whether the program has not ended, and if it has, how.
func (p *program) running() (ok bool, how string) {
	select {
	case <-p.ended:
	default:
		return true, ""
	}
	if p.how != nil {
		return false, p.how.Error()
	}
	return false, "exit status 0"
}

// freeAddr is an address of this machine where nothing listens.
func freeAddr(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// tail keeps the end of what a program printed.
type tail struct {
	mu   sync.Mutex
	text []byte
}

var _ io.Writer = (*tail)(nil)

// tailMax is what a person would read.
const tailMax = 2000

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > tailMax {
		t.text = append(t.text[:0], t.text[len(t.text)-tailMax:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
