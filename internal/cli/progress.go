package cli

import (
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/redis-grind/grind/internal/unit"
)

// progressBar appears when a step takes over a second, on a terminal only.
type progressBar struct {
	enabled bool
	label   string
	begun   time.Time
	bar     *progressbar.ProgressBar
	a       *app
}

func newProgressBar(a *app) *progressBar {
	f, ok := a.err.(*os.File)
	return &progressBar{a: a, enabled: ok && term.IsTerminal(int(f.Fd()))}
}

func (p *progressBar) show(e unit.Progress) {
	if !p.enabled {
		return
	}
	if e.Label != p.label {
		p.clear()
		p.label, p.begun = e.Label, time.Now()
	}
	if time.Since(p.begun) < time.Second && p.bar == nil {
		return
	}
	total := e.Total
	if total == 0 {
		total = -1 // unknown: a spinner
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.a.err), progressbar.OptionSetDescription("  "+e.Label),
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), countOf(total))
	}
	_ = p.bar.Set(e.Done) // a bar that cannot be drawn is no reason to stop
}

// countOf shows how many of how many; of an unknown number there is no count.
func countOf(total int) progressbar.Option {
	if total < 0 {
		return progressbar.OptionSetSpinnerChangeInterval(0) // each call of show turns it
	}
	return progressbar.OptionShowCount()
}

// waiting shows that something is under way, until the returned function is
// called.
func (a *app) waiting(label string) (stop func()) {
	bar := newProgressBar(a)
	if !bar.enabled {
		return func() {}
	}
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		defer bar.clear()
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			bar.show(unit.Progress{Label: label, Done: n})
			select {
			case <-tick.C:
			case <-ended:
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(ended); <-gone })
}

func (p *progressBar) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.bar, p.label = nil, ""
}
