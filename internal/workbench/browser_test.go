package workbench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var screens = flag.String("screens", "", "take pictures of the pages into this folder")

// tab is a browser's tab that notes what must not happen.
type tab struct {
	context.Context
	t    *testing.T
	site *site

	mu      sync.Mutex
	trouble []string // console errors, exceptions, refused by the policy
	foreign []string // requests to another host
}

// browse opens Chromium on the site, signed in.
func browse(t *testing.T, s *site) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("this test needs chromium on PATH")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.WindowSize(1440, 1100),
	)
	ctx, cancelBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancelTab := chromedp.NewContext(ctx)
	ctx, cancelTime := context.WithTimeout(ctx, 90*time.Second)
	b := &tab{Context: ctx, t: t, site: s}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("close the browser: %v", err)
		}
		cancelTime()
		cancelTab()
		cancelBrowser()
	})
	chromedp.ListenTarget(ctx, b.note)
	b.do(network.Enable(), log.Enable(), chromedp.Navigate(s.URL()))
	return b
}

// note collects what must not happen.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.trouble = append(b.trouble, e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			b.trouble = append(b.trouble, fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError || e.Entry.Source == log.SourceSecurity {
			b.trouble = append(b.trouble, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.site.base+"/") && !strings.HasPrefix(u, "data:") {
			b.foreign = append(b.foreign, u)
		}
	}
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b, actions...); err != nil {
		var html string
		ctx, cancel := context.WithTimeout(context.WithoutCancel(b.Context), 2*time.Second)
		defer cancel()
		if chromedp.Run(ctx, chromedp.Text("main", &html, chromedp.ByQuery)) != nil {
			html = "no page"
		}
		b.t.Fatalf("%v; the page says:\n%s\ntrouble: %v", err, clip(html, 2000), b.trouble)
	}
}

// sees waits until a script's condition holds.
func (b *tab) sees(what, condition string) {
	b.t.Helper()
	b.do(chromedp.Poll("Boolean("+condition+")", nil, chromedp.WithPollingTimeout(15*time.Second)))
	_ = what
}

// clean fails the test if anything happened that must not.
func (b *tab) clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.trouble {
		b.t.Errorf("the browser complained: %s", x)
	}
	for _, x := range b.foreign {
		b.t.Errorf("a request left for %s", x)
	}
}

func click(selector string) chromedp.Action { return chromedp.Click(selector, chromedp.ByQuery) }

const holds = `document.querySelector('#result')?.innerText ?? ''`

// A newcomer opens the page, predicts, runs, sees figures, and steps a race
// forward and back.
func TestBrowser_unit(t *testing.T) {
	s := serve(t)
	b := browse(t, s)
	b.sees("the newcomer's card", `document.body.innerText.includes('Start with 1.01')`)
	b.do(click(".go .button"), chromedp.WaitVisible("#run", chromedp.ByQuery))
	b.do(click(`input[name="guess"][value="1"]`), click(`[data-act="run"]`))
	b.sees("the figures", `(`+holds+`).includes('31,877')`)
	b.sees("the verdict", `(`+holds+`).includes('You guessed “a few”; it is “more than half”.')`)
	b.sees("the end", `(`+holds+`).includes('1.4 s')`)
	b.sees("the chart", `document.querySelectorAll('#result svg.chart.wide').length === 4`)
	b.sees("the wire", `!document.querySelector('#wire').hidden && document.querySelector('#wire').innerText.includes('reply lost')`)

	b.do(click(`[data-race="begin"]`))
	for _, move := range []string{"A", "B", "A", "B"} {
		b.do(chromedp.WaitVisible(`[data-move="`+move+`"]`, chromedp.ByQuery), click(`[data-move="`+move+`"]`))
		b.sees("the step", `document.querySelectorAll('#race .step.last').length === 1`)
	}
	b.sees("the loss", `document.querySelector('#race').innerText.includes('1 is lost')`)
	b.sees("the schedule in the address", `location.hash === '#race/get-set/A.B.A.B'`)
	b.do(click(`[data-race="back"]`))
	b.sees("one step back", `location.hash === '#race/get-set/A.B.A' && document.querySelectorAll('#race .step').length === 3`)
	b.do(click(`[data-race="forward"]`))
	b.sees("and forward", `location.hash === '#race/get-set/A.B.A.B'`)

	b.do(chromedp.Reload(), chromedp.WaitVisible("#race .step", chromedp.ByQuery))
	b.sees("the race after a reload", `document.querySelectorAll('#race .step').length === 4`)
	b.sees("the run after a reload", `(`+holds+`).includes('31,877')`)

	b.do(click(`[data-race="explore"]`))
	b.sees("the report", `document.querySelector('[data-slot=explored]').innerText.includes('schedules break it')`)
	b.do(click(`[data-replay]`))
	b.sees("the replay", `document.querySelector('#race').innerText.includes('is lost')`)
	b.clean()
}

// The same without a mouse.
func TestBrowser_keyboard(t *testing.T) {
	s := serve(t)
	b := browse(t, s)
	b.do(chromedp.Navigate(s.base+"/u/1.01-strings"), chromedp.WaitVisible("#run", chromedp.ByQuery))
	tabTo := func(condition string) {
		t.Helper()
		for range 60 {
			var there bool
			b.do(chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`Boolean(document.activeElement.matches('`+condition+`'))`, &there))
			if there {
				return
			}
		}
		t.Fatalf("60 times Tab do not lead to %s", condition)
	}
	tabTo(".skip")
	tabTo(`input[name="guess"]`)
	b.do(chromedp.KeyEvent(" "), chromedp.KeyEvent(kb.ArrowDown))
	tabTo(`[data-act="run"]`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees("the verdict", `(`+holds+`).includes('You guessed “a few”')`)
	tabTo(`[data-race="begin"]`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees("the first moves", `document.activeElement.matches('#race [data-move="A"]')`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.sees("the first step, and the keyboard still there", `document.querySelectorAll('#race .step').length === 1 && document.activeElement.matches('[data-move="A"]')`)
	var outlined string
	b.do(chromedp.Evaluate(`getComputedStyle(document.activeElement).outlineStyle`, &outlined))
	if outlined != "solid" {
		t.Errorf("got the outline %q on what has the keyboard, want a visible one", outlined)
	}
	b.clean()
}

// The prompt answers, completes, remembers and draws the keys.
func TestBrowser_playground(t *testing.T) {
	s := serve(t)
	b := browse(t, s)
	flush(t)
	b.do(chromedp.Navigate(s.base+"/play"), chromedp.WaitVisible("#line", chromedp.ByQuery))
	type_ := func(line string) chromedp.Action { return chromedp.SendKeys("#line", line, chromedp.ByQuery) }
	b.do(type_("ZADD scores 95 bob 143 eve\r"))
	b.sees("the reply", `document.querySelector('[data-log]').innerText.includes('(integer) 2')`)
	b.sees("the lane", `document.querySelectorAll('.ranks tr').length === 2`)
	b.do(type_("ZSCO"))
	b.sees("the offer", `document.querySelector('[data-offers] button')?.textContent === 'ZSCORE'`)
	b.do(chromedp.KeyEvent(kb.Tab), type_("sc"))
	b.sees("the key", `document.querySelector('[data-offers] button')?.textContent === 'scores'`)
	b.do(chromedp.KeyEvent(kb.Tab), type_("eve\r"))
	b.sees("the score", `document.querySelector('[data-log]').innerText.includes('"143"')`)
	b.do(chromedp.KeyEvent(kb.ArrowUp))
	b.sees("the history", `document.querySelector('#line').value === 'ZSCORE scores eve'`)
	b.do(chromedp.SetValue("#line", "", chromedp.ByQuery), type_("SUBSCRIBE news\r"))
	b.sees("the subscription", `document.querySelector('[data-log]').innerText.includes('"subscribe"')`)
	publish(t, "news", "it rains")
	b.sees("the message", `document.querySelector('[data-log]').innerText.includes('"it rains"')`)
	b.do(click(`.prompt [data-act="stop"]`))
	b.sees("the end", `document.querySelector('[data-log]').innerText.includes('Ended.')`)
	b.do(type_("SHUTDOWN NOSAVE\r"))
	b.sees("the refusal", `document.querySelector('[data-log]').innerText.includes('SHUTDOWN is not sent')`)
	b.clean()
}

// TestScreens takes pictures for people to look at: go test -run Screens -screens DIR.
func TestScreens(t *testing.T) {
	if *screens == "" {
		*screens = t.TempDir()
	}
	s := serve(t)
	s.exercises.report = failing()
	if _, err := s.exercises.Start(s.course.All()[0]); err != nil {
		t.Fatal(err)
	}
	b := browse(t, s)
	flush(t)
	for _, line := range tries[:7] {
		s.post("/play", "tab", "x", "line", line)
	}
	s.post("/u/1.01/run")
	s.post("/u/1.01/check")
	for _, page := range []struct{ name, path, ready string }{
		{"path", "/", `document.querySelector('.cells')`},
		{"unit", "/u/1.01-strings#race/get-set/A.B.A?", `document.querySelector('#race .step.fault') && document.querySelector('[data-took]')?.textContent === '1.4 s' && document.querySelector('.tasks .bad')`},
		{"play", "/play", `document.querySelector('.keys .shot')`},
		{"none", "/u/9.99", `document.querySelector('.alone')`},
	} {
		for _, size := range []struct {
			name  string
			width int64
		}{{"1440", 1440}, {"390", 390}} {
			for _, scheme := range []string{"light", "dark"} {
				b.do(
					emulation.SetDeviceMetricsOverride(size.width, 1100, 1, false),
					emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
					chromedp.Navigate("about:blank"), chromedp.Navigate(s.base+page.path),
				)
				b.sees(page.name, page.ready)
				var wide bool
				b.do(chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide))
				if wide {
					t.Errorf("%s at %s is wider than the window", page.name, size.name)
				}
				b.shoot(fmt.Sprintf("%s-%s-%s", page.name, size.name, scheme), size.name == "390")
			}
		}
	}
}

// shoot writes a picture of the window, or of the whole page.
func (b *tab) shoot(name string, whole bool) {
	b.t.Helper()
	var png []byte
	take := chromedp.CaptureScreenshot(&png)
	if whole {
		take = chromedp.FullScreenshot(&png, 100)
	}
	b.do(take)
	if err := os.MkdirAll(*screens, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screens, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
