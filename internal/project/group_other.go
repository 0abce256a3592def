//go:build !unix

package project

import "os/exec"

// ownGroup: without process groups there is no shell that could keep one either.
func ownGroup(*exec.Cmd) {}
