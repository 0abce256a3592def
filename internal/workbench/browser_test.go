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

	"github.com/chromedp/cdproto/cdp"
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
	whole, cancelBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	whole, cancelTab := chromedp.NewContext(whole)
	b := &tab{t: t, site: s}
	err := chromedp.Do(whole)
	if err == nil {
		err = chromedp.Listen(whole, b.note)
	}
	if err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	var cancelTime context.CancelFunc
	b.Context, cancelTime = context.WithTimeout(whole, 2*time.Minute)
	t.Cleanup(func() {
		cancelTime()
		if err := chromedp.Cancel(whole); err != nil {
			t.Errorf("close the browser: %v", err)
		}
		cancelTab()
		cancelBrowser()
	})
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	b.do(chromedp.Navigate(s.URL()))
	return b
}

// note collects what must not happen.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.trouble = append(b.trouble, e.ExceptionDetails.Text+" "+e.ExceptionDetails.URL)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.trouble = append(b.trouble, fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Source == log.EntrySourceSecurity {
			b.trouble = append(b.trouble, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.site.base+"/") && !strings.HasPrefix(u, "data:") {
			b.foreign = append(b.foreign, u)
		}
	}
}

// call sends a command of the protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.Context, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// result evaluates a script.
func result[T any](b *tab, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.Context, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.Context, actions...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.state())
	}
}

// state is what a person would see now, for a failure.
func (b *tab) state() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, err := chromedp.Run(b.Context, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	if err != nil {
		text = err.Error()
	}
	return fmt.Sprintf("the page:\n%s\ntrouble: %q", clip(text, 4000), b.trouble)
}

// sees waits until a script's condition holds.
func (b *tab) sees(what, condition string) {
	b.t.Helper()
	wait := chromedp.Poll[bool]("Boolean("+condition+")", chromedp.WithPollingTimeout(15*time.Second))
	if _, err := chromedp.Run(b.Context, wait); err != nil {
		b.t.Fatalf("does not show %s (%s): %v\n%s", what, condition, err, b.state())
	}
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

func click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}

const holds = `document.querySelector('#result')?.innerText ?? ''`

// A newcomer opens the page, predicts, runs, sees figures, and steps a race
// forward and back.
func TestBrowser_unit(t *testing.T) {
	s := serve(t)
	b := browse(t, s)
	b.sees("the newcomer's card", `document.body.innerText.includes('Start with 1.01')`)
	b.do(click(".go .button"), chromedp.WaitVisible(chromedp.CSS("[data-ready] #run")))
	b.do(click(`input[name="guess"][value="1"]`), click(`[data-act="run"]`))
	b.sees("the figures", `(`+holds+`).includes('31,877')`)
	b.sees("the verdict", `(`+holds+`).includes('You guessed “a few”; it is “more than half”.')`)
	b.sees("the end", `(`+holds+`).includes('1.4 s')`)
	b.sees("the chart", `document.querySelectorAll('#result svg.chart.wide').length === 4`)
	b.sees("the wire", `!document.querySelector('#wire').hidden && document.querySelector('#wire').innerText.includes('reply lost')`)

	b.do(click(`[data-race="begin"]`))
	for i, move := range []string{"A", "B", "A", "B"} {
		b.do(chromedp.WaitVisible(chromedp.CSS(`[data-move="`+move+`"]`)), click(`[data-move="`+move+`"]`))
		b.sees("the step", fmt.Sprintf(`document.querySelectorAll('#race .step').length === %d`, i+1))
	}
	b.sees("the loss", `document.querySelector('#race').innerText.includes('1 is lost')`)
	b.sees("the schedule in the address", `location.hash === '#race/get-set/A.B.A.B'`)
	b.do(click(`[data-race="back"]`))
	b.sees("one step back", `location.hash === '#race/get-set/A.B.A' && document.querySelectorAll('#race .step').length === 3`)
	b.do(click(`[data-race="forward"]`))
	b.sees("and forward", `location.hash === '#race/get-set/A.B.A.B'`)

	b.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("#race .step")))
	b.sees("the race after a reload", `document.querySelectorAll('#race .step').length === 4`)
	b.sees("the run after a reload", `(`+holds+`).includes('31,877')`)

	b.do(click(`[data-race="explore"]`))
	b.sees("the report", `document.querySelector('[data-slot=explored]').innerText.includes('schedules break it')`)
	b.do(click(`[data-replay]`))
	b.sees("the replay", `document.querySelector('#race').innerText.includes('is lost')`)
	b.clean()
}

// A film is stepped, played to its end and stopped; for who wants no motion it
// moves nothing.
func TestBrowser_film(t *testing.T) {
	s := serve(t)
	b := browse(t, s)
	s.post("/u/1.01/run")
	for _, motion := range []string{"no-preference", "reduce"} {
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: motion}},
		})
		b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.base+"/u/1.01-strings"), chromedp.WaitVisible(chromedp.CSS("[data-ready] [data-film]")))
		now := `document.querySelector('.frame.now .caption').textContent`
		next, back, play := click(`[data-film-act="next"]`), click(`[data-film-act="back"]`), click(`[data-film-act="play"]`)
		b.sees("the first frame", now+` === 'before'`)
		b.do(next)
		b.sees("the second", now+` === 'zoe passes otto' && document.querySelector('[data-film-at]').textContent === '2 of 3'`)
		b.sees("the same for a screen reader", `document.querySelector('[data-film-said]').textContent === '2 of 3. zoe passes otto'`)
		if slides := result[bool](b, `document.querySelector('.frame.now [data-id="zoe"]').classList.contains('moved')`); slides != (motion == "no-preference") {
			t.Errorf("motion %s: zoe slides: %v", motion, slides)
		}
		b.do(next, next) // there is no fourth
		b.sees("the last", now+` === 'the hold is gone'`)
		b.do(back, back, play)
		b.sees("that it plays", `document.querySelector('[data-film-act="play"]').textContent === 'Pause'`)
		if motion == "no-preference" {
			b.sees("the time run down", `Number(document.querySelector('.frame.now [data-left="800"]').getAttribute('width')) < 900`)
		}
		b.do(play)
		b.sees("a pause, as it was read", `Number(document.querySelector('[data-left="800"]').getAttribute('width')) === 1000`)
		b.do(play)
		b.sees("the end of the play", now+` === 'the hold is gone' && document.querySelector('[data-film-act="play"]').textContent === 'Play'`)
		b.do(chromedp.KeyEvent(kb.Enter)) // the button has the keyboard still
		b.sees("it played anew", now+` === 'before'`)
		b.do(chromedp.KeyEvent(kb.Enter))
	}
	b.clean()
}

// A newcomer without a mouse.
func TestBrowser_keyboard(t *testing.T) {
	s := serve(t)
	b := browse(t, s)
	b.do(chromedp.Navigate(s.base+"/u/1.01-strings"), chromedp.WaitVisible(chromedp.CSS("[data-ready] #run")))
	tabTo := func(condition string) {
		t.Helper()
		for range 60 {
			b.do(chromedp.KeyEvent(kb.Tab))
			if result[bool](b, `document.activeElement.matches('`+condition+`')`) {
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
	if outlined := result[string](b, `getComputedStyle(document.activeElement).outlineStyle`); outlined != "solid" {
		t.Errorf("got the outline %q on what has the keyboard, want a visible one", outlined)
	}
	b.clean()
}

// The prompt answers, completes, remembers and draws the keys.
func TestBrowser_playground(t *testing.T) {
	s := serve(t)
	b := browse(t, s)
	flush(t)
	b.do(chromedp.Navigate(s.base+"/play"), chromedp.WaitVisible(chromedp.CSS("[data-ready] #line")))
	write := func(line string) chromedp.Action[chromedp.Void] {
		return chromedp.SendKeys(chromedp.CSS("#line"), line)
	}
	b.do(write("ZADD scores 95 bob 143 eve\r"))
	b.sees("the reply", `document.querySelector('[data-log]').innerText.includes('(integer) 2')`)
	b.sees("the lane", `document.querySelectorAll('.ranks tr').length === 2`)
	b.do(write("ZSCO"))
	b.sees("the offer", `document.querySelector('[data-offers] button')?.textContent === 'ZSCORE'`)
	b.do(chromedp.KeyEvent(kb.Tab), write("sc"))
	b.sees("the key", `document.querySelector('[data-offers] button')?.textContent === 'scores'`)
	b.do(chromedp.KeyEvent(kb.Tab), write("eve\r"))
	b.sees("the score", `document.querySelector('[data-log]').innerText.includes('"143"')`)
	b.do(chromedp.KeyEvent(kb.ArrowUp))
	b.sees("the history", `document.querySelector('#line').value === 'ZSCORE scores eve'`)
	result[string](b, `document.querySelector("#line").value = ""`)
	b.do(write("SUBSCRIBE news\r"))
	b.sees("the subscription", `document.querySelector('[data-log]').innerText.includes('"subscribe"')`)
	publish(t, "news", "it rains")
	b.sees("the message", `document.querySelector('[data-log]').innerText.includes('"it rains"')`)
	b.do(click(`.prompt [data-act="stop"]`))
	b.sees("the end", `document.querySelector('[data-log]').innerText.includes('Ended.')`)
	b.do(write("SHUTDOWN NOSAVE\r"))
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
			name          string
			width, height int64
		}{{"1440", 1440, 1100}, {"390", 390, 1100}, {"tall", 1280, 4200}} {
			for _, scheme := range []string{"light", "dark"} {
				call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				b.do(chromedp.EmulateViewport(size.width, size.height), chromedp.Navigate("about:blank"), chromedp.Navigate(s.base+page.path))
				b.sees(page.name, page.ready)
				if result[bool](b, `document.documentElement.scrollWidth > innerWidth`) {
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
	take := chromedp.CaptureScreenshot()
	if whole {
		take = chromedp.FullScreenshot(100)
	}
	png, err := chromedp.Run(b.Context, take)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(*screens, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screens, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
