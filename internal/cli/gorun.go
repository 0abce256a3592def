package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// endWithGoRun ends the program when it was started by `go run` and that has
// been killed. `go run` passes signals on, but a kill -9 reaches it alone and
// would leave the program, and its Redis, to itself.
func endWithGoRun(ctx context.Context, cancel context.CancelFunc) {
	exe, err := os.Executable()
	if err != nil || !strings.Contains(filepath.ToSlash(exe), "/go-build") {
		return
	}
	parent := os.Getppid()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if os.Getppid() != parent {
				cancel()
				return
			}
		}
	}
}
