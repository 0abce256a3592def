//go:build unix

package exercise

import (
	"os/exec"
	"syscall"
)

// OwnGroup puts the command into a process group of its own and ends the whole
// group when the command's context ends: go test, the compiler, the test binary.
func OwnGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
