//go:build unix

package project

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the keeper and all that it starts into a process group of their
// own: the keeper signals its group, and Ctrl-C in the terminal is grind's alone.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
