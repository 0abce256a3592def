//go:build !unix

package exercise

import "os/exec"

// ownGroup leaves the command as it is: ending it ends go test, and the test
// binary ends by its own limit.
func ownGroup(*exec.Cmd) {}
