package exercise

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long a file must stay as it is before it is checked: editors
	// save in several steps.
	settle = 200 * time.Millisecond
	// look is how often the file is looked at beside the notifications, which do
	// not come from every file system (WSL, shared folders).
	look = time.Second
)

// stamp tells one save of a file from the next.
type stamp struct {
	at   time.Time
	size int64
}

// WatchFile follows the saves of a file until ctx ends: changed is called at the
// first sign of each, settled when the file has stayed as it is for a moment, and
// settled once at the beginning. Both are called from the caller's goroutine.
func WatchFile(ctx context.Context, file string, changed, settled func()) {
	var changes <-chan fsnotify.Event // nil, and so silent, if there are no notifications
	if w, err := fsnotify.NewWatcher(); err == nil {
		defer w.Close()
		// The folder, since editors replace the file.
		if w.Add(filepath.Dir(file)) == nil {
			changes = w.Events
		}
	}
	ticks := time.NewTicker(look)
	defer ticks.Stop()
	quiet := time.NewTimer(0) // the beginning
	defer quiet.Stop()
	last := stampOf(file)
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes:
		case <-ticks.C:
		case <-quiet.C:
			settled()
			continue
		}
		if now := stampOf(file); now != last {
			last = now
			changed()
			quiet.Reset(settle)
		}
	}
}

func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}
