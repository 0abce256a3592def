//go:build !unix

package exercise

import "os/exec"

// OwnGroup leaves the command as it is: ending it ends go test, and the test
// binary ends by its own limit.
func OwnGroup(*exec.Cmd) {}
