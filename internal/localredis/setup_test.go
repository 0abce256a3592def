package localredis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// path makes PATH a directory with these programs and no other, each a script
// that appends its command line to the file log beside it.
func path(t *testing.T, programs ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("PATH", dir)
	for _, name := range programs {
		program(t, dir, name, `echo "`+name+` $*" >> "`+dir+`/log"`)
	}
	return dir
}

func commands(p Plan) (out []string) {
	for _, c := range p.Commands {
		out = append(out, c.String())
	}
	return out
}

func TestPlan(t *testing.T) {
	const (
		update  = "apt-get update"
		install = "apt-get install -y --no-install-recommends redis-server"
		disable = "systemctl disable --now redis-server.service"
	)
	for name, test := range map[string]struct {
		programs []string
		machine  machine
		want     []string
		note     string
	}{
		"Debian as root, in a container": {
			programs: []string{"apt-get", "systemctl"},
			want:     []string{update, install},
		},
		"Debian with systemd": {
			programs: []string{"apt-get", "systemctl"},
			machine:  machine{systemd: true},
			want:     []string{update, install, disable},
			note:     "at every boot",
		},
		"Debian whose service was there before": {
			programs: []string{"apt-get", "systemctl"},
			machine:  machine{systemd: true, service: true},
			want:     []string{update, install},
		},
		"Ubuntu as a user": {
			programs: []string{"apt-get", "systemctl", "sudo", "brew"},
			machine:  machine{uid: 1000, systemd: true},
			want:     []string{"sudo " + update, "sudo " + install, "sudo " + disable},
			note:     "at every boot",
		},
		"WSL": {
			programs: []string{"apt-get", "sudo"},
			machine:  machine{uid: 1000, wsl: true},
			want:     []string{"sudo " + update, "sudo " + install},
			note:     "inside it, not in Windows",
		},
		"Fedora": {
			programs: []string{"dnf", "sudo"},
			machine:  machine{uid: 1000},
			want:     []string{"sudo sh -c 'dnf install -y valkey || dnf install -y redis'"},
		},
		"Alpine": {
			programs: []string{"apk"},
			want:     []string{"sh -c 'apk add valkey || apk add redis'"},
		},
		"Arch": {
			programs: []string{"pacman"},
			want:     []string{"pacman -S --needed --noconfirm valkey"},
		},
		"macOS": {
			programs: []string{"brew", "sudo"},
			machine:  machine{system: "darwin", uid: 501},
			want:     []string{"brew install redis"},
		},
		"no sudo": {
			programs: []string{"apt-get"},
			machine:  machine{uid: 1000},
			want:     []string{update, install},
			note:     "run them as root",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := path(t, test.programs...)
			p, err := planFor(test.machine)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, commands(p)); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
			if notes := strings.Join(p.Notes, " "); (notes == "") != (test.note == "") || !strings.Contains(notes, test.note) {
				t.Errorf("notes: got %q, want %q in them", notes, test.note)
			}
			if _, err := os.Stat(filepath.Join(dir, "log")); err == nil {
				t.Error("planning ran a program")
			}
		})
	}
}

func TestPlan_none(t *testing.T) {
	path(t)
	for system, want := range map[string]string{"linux": "by hand", "windows": "wsl --install"} {
		_, err := planFor(machine{system: system})
		if !errors.Is(err, ErrNoInstaller) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want ErrNoInstaller and %q", system, err, want)
		}
	}
}

func TestPlan_done(t *testing.T) {
	dir := path(t, "apt-get")
	program(t, dir, "valkey-server", "echo Valkey server v=8.1.1 sha=0")
	p, err := SetupPlan()
	if err != nil {
		t.Fatal(err)
	}
	if !p.Done || p.Version != "Valkey 8.1.1" || !strings.Contains(p.Title, "Nothing to install") {
		t.Errorf("got %+v, want Done with Valkey 8.1.1", p)
	}
	var out bytes.Buffer
	if err := p.Run(t.Context(), &out); err != nil || out.Len() > 0 {
		t.Errorf("Run: got %v and %q, want nothing", err, &out)
	}
	got, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"title":"Nothing to install: Valkey 8.1.1 is at ` + dir + `/valkey-server","done":true,"version":"Valkey 8.1.1","root":false,"commands":[]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// TestPlan_Run runs a whole plan: the list of packages cannot be read, which is
// no reason to stop, and installing puts a server on PATH.
func TestPlan_Run(t *testing.T) {
	dir := path(t, "systemctl")
	program(t, dir, "apt-get", `
echo "apt-get $* ($DEBIAN_FRONTEND)" >> "`+dir+`/log"
case $1 in
update) echo E: no network >&2; exit 100 ;;
install) printf '#!/bin/sh\necho Redis server v=7.0.15 sha=0\n' > "`+dir+`/redis-server"; /bin/chmod +x "`+dir+`/redis-server" ;;
esac`)
	p, err := planFor(machine{systemd: true})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := p.Run(t.Context(), &out); err != nil {
		t.Fatalf("Run: %v\n%s", err, &out)
	}
	ran, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`apt-get update (noninteractive)
apt-get install -y --no-install-recommends redis-server (noninteractive)
systemctl disable --now redis-server.service
`, string(ran)); diff != "" {
		t.Errorf("what ran (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(`$ apt-get update
E: no network
apt-get update did not work (exit status 100); going on
$ apt-get install -y --no-install-recommends redis-server
$ systemctl disable --now redis-server.service
`, out.String()); diff != "" {
		t.Errorf("what was printed (-want +got):\n%s", diff)
	}
	if p, err = planFor(machine{}); err != nil || !p.Done {
		t.Errorf("a plan afterwards: got %+v and %v, want Done", p, err)
	}
}

func TestPlan_Run_fails(t *testing.T) {
	var out bytes.Buffer
	t.Run("the installer fails", func(t *testing.T) {
		program(t, path(t), "brew", "exit 3")
		p, err := planFor(machine{system: "darwin"})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Run(t.Context(), &out); err == nil || !strings.Contains(err.Error(), "run brew install redis: exit status 3") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("it installs nothing", func(t *testing.T) {
		path(t, "brew")
		p, err := planFor(machine{system: "darwin"})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Run(t.Context(), &out); err == nil || !strings.Contains(err.Error(), "the commands ran, and yet") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no root", func(t *testing.T) {
		dir := path(t, "apt-get")
		p, err := planFor(machine{uid: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Run(t.Context(), &out); !errors.Is(err, ErrNeedsRoot) || !strings.Contains(err.Error(), "apt-get install") {
			t.Errorf("got %v, want ErrNeedsRoot and the command", err)
		}
		if _, err := os.Stat(filepath.Join(dir, "log")); err == nil {
			t.Error("it ran something")
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		program(t, path(t), "brew", `trap 'exit 130' INT; while :; do /bin/sleep 0.01; done`)
		p, err := planFor(machine{system: "darwin"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if err := p.Run(ctx, &out); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
	})
}
