package incident

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis-grind/grind/internal/unit/exercise"
)

// startLimit is how long a copy of the program may take until it listens.
const startLimit = 10 * time.Second

// program is one copy of the program, a child in a process group of its own.
type program struct {
	addr  string // http://127.0.0.1:port
	ended chan struct{}
	said  *tail
	told  atomic.Bool // to end: by leave, or because nobody needs it any more
	leave func()      // tells it to end by itself
	stop  func()
}

var listening = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// startProgram starts the binary with an environment of its own beside ours, and
// returns when it listens.
func startProgram(ctx context.Context, binary string, env ...string) (*program, error) {
	alive, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cmd := exec.CommandContext(alive, binary)
	exercise.OwnGroup(cmd)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), env...)
	p := &program{ended: make(chan struct{}), said: &tail{}}
	cmd.Stderr = p.said
	stdin, err := cmd.StdinPipe() // held open: its end tells the child that we are gone
	if err == nil {
		var stdout io.ReadCloser
		if stdout, err = cmd.StdoutPipe(); err == nil {
			if err = cmd.Start(); err == nil {
				return p.await(ctx, cmd, stdin, stdout, cancel)
			}
		}
	}
	cancel()
	return nil, fmt.Errorf("incident: start the program: %w", err)
}

// await returns when the child has printed its address.
func (p *program) await(ctx context.Context, cmd *exec.Cmd, stdin io.WriteCloser, stdout io.Reader, cancel func()) (*program, error) {
	ready := make(chan string, 1)
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if addr := listening.FindString(lines.Text()); addr != "" && p.addr == "" {
				p.addr = addr
				ready <- addr
			}
		}
		_, _ = io.Copy(io.Discard, stdout) // after a line that is too long
		_ = cmd.Wait()                     // how it ended is told by what it said
	}()
	p.leave = func() {
		p.told.Store(true)
		_, _ = io.WriteString(stdin, "leave\n") // one that has ended needs not be told
	}
	p.stop = func() {
		stdin.Close()
		cancel()
		<-p.ended
	}
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-ready:
		return p, nil
	case <-p.ended:
		p.stop()
		return nil, &crashError{p.said.String()}
	case <-limit.C:
		p.stop()
		return nil, &crashError{fmt.Sprintf("it did not listen within %v", startLimit)}
	case <-ctx.Done():
		p.stop()
		return nil, ctx.Err()
	}
}

// crashError says that the program ended by itself.
type crashError struct{ said string }

var crashLine = regexp.MustCompile(`(?m)^(?:panic|fatal error): (.*)$`)

// Error is the sentence of a crash, without its stacks.
func (e *crashError) Error() string {
	if m := crashLine.FindStringSubmatch(e.said); m != nil {
		return "the program crashed: " + m[1]
	}
	if said := strings.TrimSpace(e.said); said != "" {
		first, _, _ := strings.Cut(said, "\n")
		return "the program ended: " + first
	}
	return "the program ended by itself: os.Exit in your code?"
}

// at is the line of the learner's file at which it crashed; zero if unknown.
func (e *crashError) at(file string) int { return lineOf(e.said, file) }

// lineOf finds the first line number of a file in a text.
func lineOf(text, file string) int {
	m := regexp.MustCompile(`(?:^|[/\\\s])` + regexp.QuoteMeta(file) + `:(\d+)`).FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n := 0
	_, err := fmt.Sscan(m[1], &n)
	if err != nil {
		return 0
	}
	return n
}

// asCrash is the crash in err, if it is one.
func asCrash(err error) (*crashError, bool) {
	var crash *crashError
	ok := errors.As(err, &crash)
	return crash, ok
}

// tail keeps the end of what a program says, for a crash is the last thing.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxSaid = 16 << 10

// Write keeps the newest text.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - maxSaid; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
