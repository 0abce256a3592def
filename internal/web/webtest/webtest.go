// Package webtest opens a page of an application in Chromium, for its tests, and
// notes what a strict page must not do.
package webtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
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
)

// Tab is a tab of a browser. Its context is chromedp's, for what it does not do
// itself. What fails, fails the test.
type Tab struct {
	context.Context
	t    testing.TB
	base string

	mu      sync.Mutex
	trouble []string
}

// Open starts Chromium with one tab on a page, for at most two minutes. When the
// test ends the browser is gone.
func Open(t testing.TB, page string) *Tab {
	t.Helper()
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.WindowSize(1440, 1100))
	whole, cancelBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	whole, cancelTab := chromedp.NewContext(whole)
	b := &Tab{t: t, base: u.Scheme + "://" + u.Host}
	if err = chromedp.Do(whole); err == nil {
		err = chromedp.Listen(whole, b.note)
	}
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
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
	b.Visit(page)
	return b
}

func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("this test needs chromium on PATH; `make setup` installs it on Debian")
	return ""
}

// note collects what must not happen.
func (b *Tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.trouble = append(b.trouble, "exception: "+e.ExceptionDetails.Text+" "+e.ExceptionDetails.URL)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.trouble = append(b.trouble, fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Source == log.EntrySourceSecurity {
			b.trouble = append(b.trouble, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.base+"/") && !strings.HasPrefix(u, "data:") {
			b.trouble = append(b.trouble, "request to another place: "+u)
		}
	}
}

// Trouble returns what the pages did since the last call that a strict page must
// not: exceptions, errors on the console, what the policy refused, requests to
// another host.
func (b *Tab) Trouble() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	since := b.trouble
	b.trouble = nil
	return since
}

func call[P, R any](b *Tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.Context, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// Do runs actions of chromedp.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.Context, actions...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.Text())
	}
}

// Visit opens a page.
func (b *Tab) Visit(page string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(page))
}

// Text is what a person reads on the page.
func (b *Tab) Text() string {
	text, err := chromedp.Run(b.Context, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

// Eval returns the text that an expression of JavaScript has.
func (b *Tab) Eval(script string) string {
	b.t.Helper()
	value, err := chromedp.Run(b.Context, chromedp.Evaluate[string](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// Sees waits until the first element of a selector shows a text.
func (b *Tab) Sees(selector, text string) {
	b.t.Helper()
	b.wait(fmt.Sprintf(`(document.querySelector(%s)?.innerText ?? "").includes(%s)`, quote(selector), quote(text)),
		fmt.Sprintf("%s shows %q", selector, text))
}

// Click presses the first element of a selector once it is there.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	b.wait(fmt.Sprintf(`(() => { const e = document.querySelector(%s); if (!e || e.disabled || !e.checkVisibility()) return false; e.click(); return true })()`,
		quote(selector)), fmt.Sprintf("there is %s to press", selector))
}

func (b *Tab) wait(condition, what string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.Context, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(30*time.Second))); err != nil {
		b.t.Fatalf("waited in vain until %s: %v\n%s", what, err, b.Text())
	}
}

// quote makes a text one of JavaScript.
func quote(s string) string {
	text, _ := json.Marshal(s) // a string can always be written
	return string(text)
}

// Scheme shows the page in "light" or "dark".
func (b *Tab) Scheme(scheme string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// Width shows the page in a window of so many pixels.
func (b *Tab) Width(pixels int64) {
	b.t.Helper()
	b.Do(chromedp.EmulateViewport(pixels, 1100))
}

// Wider returns an element that sticks out of the window, as HTML; empty when all
// fits.
func (b *Tab) Wider() string {
	b.t.Helper()
	return b.Eval(`(() => {
		const wide = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= wide) return '';
		const out = [...document.querySelectorAll('main *')].find((e) => e.getBoundingClientRect().right > wide + 1);
		return (out ?? document.body).outerHTML.slice(0, 200);
	})()`)
}

// Picture is what the window shows, as PNG.
func (b *Tab) Picture() []byte {
	b.t.Helper()
	png, err := chromedp.Run(b.Context, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}
