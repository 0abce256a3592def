//go:build unix

package pgproc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// keeperScript is the shell that owns directory and server: $1 the directory, $2
// that of the programs, $3 the settings.
//
// Standard input is the read end of a pipe that only the parent holds, so its end
// means that the parent is gone; one that dies during the start is noticed when
// the server answers. The signals of a terminal are the parent's. QUIT is its immediate stop; it takes its children and its
// shared memory along, which kill -9 would not.
const keeperScript = `
trap '' HUP INT TERM PIPE
PATH=$PATH:/usr/bin:/bin
umask 077
mkdir -- "$1" 2>&1 || exit 1
clean() { cd / && { rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }; }; }
cd -- "$1" || exit 1
if ! out=$("$2/initdb" -D data -U postgres -A trust -E UTF8 --locale=C -N --no-instructions 2>&1); then
	printf '%s\n' "$out"
	clean "$1"
	exit 1
fi
printf '%s' "$3" >>data/postgresql.conf
"$2/postgres" -D "$1/data" -k "$1" >log 2>&1 </dev/null &
pid=$!
until "$2/pg_isready" -q -h "$1"; do
	kill -0 "$pid" 2>/dev/null || { tail -n 12 log; clean "$1"; exit 1; }
	sleep 0.05 || sleep 1
done
echo ready
exec >/dev/null 2>&1
while read -r word; do :; done
kill -QUIT "$pid"
wait "$pid"
clean "$1"
`

// keeper is the shell that stops what it started, also when this process is
// killed by kill -9.
type keeper struct {
	cmd *exec.Cmd
	to  io.WriteCloser
}

// startKeeper starts it and returns when the server answers.
func startKeeper(ctx context.Context, bin, dir, conf string) (*keeper, error) {
	cmd := exec.Command("/bin/sh", "-c", keeperScript, "pgproc-keeper", dir, bin, conf)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		credential, err := unprivileged()
		if err != nil {
			return nil, err
		}
		cmd.SysProcAttr.Credential = credential
	}
	to, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start its keeper: %w", err)
	}
	k := &keeper{cmd: cmd, to: to}
	// At the end of ctx the pipe ends, and so do keeper, server and the read below.
	stop := context.AfterFunc(ctx, func() { to.Close() })
	said, err := waitReady(from)
	if stop() && err == nil {
		return k, nil
	}
	return nil, errors.Join(context.Cause(ctx), err, k.close(), said)
}

// waitReady reads what the keeper says until it says ready. All else is why it
// could not.
func waitReady(from io.Reader) (said, err error) {
	var lines []string
	for scanner := bufio.NewScanner(from); scanner.Scan(); {
		if scanner.Text() == "ready" {
			return nil, nil
		}
		lines = append(lines, scanner.Text())
	}
	return errors.New(strings.Join(lines, "\n\t")), errors.New("the server did not start")
}

// unprivileged is the user that a process of root runs the server as.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}

// close makes the keeper stop the server and clean up, and waits for it.
func (k *keeper) close() error {
	k.to.Close()
	if err := k.cmd.Wait(); err != nil {
		return fmt.Errorf("pgproc: stop: %w", err)
	}
	return nil
}
