//go:build unix

package redisproc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// reaperScript outlives the parent by the moment it takes to clean up. It owns
// the directory from mkdir to rm, so there is no instant at which the directory
// exists and nobody is bound to remove it.
//
// Standard input is the read end of a pipe whose write end only the parent
// holds, so end of file means: the parent is gone, by whatever means. The
// signals that a terminal sends to the parent are ignored, here and in the
// commands started here. The kill is for the whole process group, which takes
// the children that save an RDB or rewrite an AOF along; it works on a stopped
// process too.
const reaperScript = `
trap '' HUP INT QUIT TERM PIPE
PATH=$PATH:/usr/bin:/bin
umask 077
mkdir -- "$1" 2>&1 || exit 1
echo ready
exec >/dev/null 2>&1
pid=0
while read -r word value; do
	[ "$word" = pid ] && pid=$value
done
[ "$pid" -gt 1 ] && kill -9 "-$pid"
rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
`

// launchScript holds the server back until the reaper knows its process id. If
// the parent dies first, read meets end of file and the shell ends by itself.
const launchScript = `read -r go && exec "$@" </dev/null`

// reaper is the small shell that removes what a server leaves, also when the
// parent is killed by kill -9.
type reaper struct {
	cmd *exec.Cmd
	to  io.WriteCloser
}

// startReaper starts it and returns when it has made dir.
func startReaper(dir string) (*reaper, error) {
	cmd := exec.Command("/bin/sh", "-c", reaperScript, "redisproc-reaper", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	to, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the reaper: %w", err)
	}
	line, err := bufio.NewReader(from).ReadString('\n')
	if line != "ready\n" {
		to.Close()
		return nil, fmt.Errorf("make the directory: %s: %w", strings.TrimSpace(line), errors.Join(err, cmd.Wait()))
	}
	return &reaper{cmd: cmd, to: to}, nil
}

// watch tells the reaper which process group to kill; 0 is none.
func (r *reaper) watch(pid int) error {
	if _, err := fmt.Fprintf(r.to, "pid %d\n", pid); err != nil {
		return fmt.Errorf("the reaper is gone: %w", err)
	}
	return nil
}

// close makes the reaper clean up now, and waits for it.
func (r *reaper) close() error {
	r.to.Close()
	return r.cmd.Wait()
}

// process is one run of a server.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process was waited for
}

// startProcess runs argv in its own process group, with both outputs appended
// to logFile, and only after the reaper has been told its id.
func startProcess(r *reaper, dir, logFile string, argv ...string) (*process, error) {
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", launchScript, "redisproc"}, argv...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	gate, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	err = r.watch(p.pid())
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // its exit code says nothing that the log does not say better
		_ = r.watch(0) // before done is closed, so that it can not follow the id of a next run
	}()
	if err == nil {
		_, err = io.WriteString(gate, "go\n")
	}
	if err != nil {
		p.kill()
		<-p.done
		return nil, fmt.Errorf("release the server: %w", err)
	}
	return p, nil
}

// supported says whether a server can be started on this system.
func supported() error { return nil }

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// pause stops the process where it stands; the kernel still accepts its
// connections, as it does for a server that hangs.
func (p *process) pause() error     { return p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *process) resume() error    { return p.cmd.Process.Signal(syscall.SIGCONT) }
func (p *process) terminate() error { return p.cmd.Process.Signal(syscall.SIGTERM) }

// kill ends the process and its children, and does not wait.
func (p *process) kill() {
	if p.running() {
		_ = syscall.Kill(-p.pid(), syscall.SIGKILL) // the only error is that it has ended
	}
}
