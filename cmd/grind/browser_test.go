package main_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var picture = flag.String("picture", "", "write the stepped race of the README into this `file`")

// browser is a tab of Chromium on the real program.
type browser struct {
	context.Context
	t *testing.T
}

func openBrowser(t *testing.T, page string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if path, err = exec.LookPath("google-chrome"); err != nil {
			t.Fatal("this test needs chromium on PATH; `make setup` installs it on Debian")
		}
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-device-scale-factor", "2"), chromedp.WindowSize(1440, 1100))
	whole, stop := chromedp.NewExecAllocator(context.Background(), options...)
	whole, closeTab := chromedp.NewContext(whole)
	tab, cancel := context.WithTimeout(whole, 2*time.Minute)
	t.Cleanup(func() {
		cancel()
		if err := chromedp.Cancel(whole); err != nil {
			t.Errorf("close the browser: %v", err)
		}
		closeTab()
		stop()
	})
	b := &browser{tab, t}
	if err := chromedp.Do(whole); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	b.do(chromedp.Navigate(page))
	return b
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.Context, actions...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.text())
	}
}

// click presses what is there now: the page replaces its parts while it works, so
// a node that was found a moment ago may be gone.
func (b *browser) click(selector string) {
	b.t.Helper()
	press := "(() => { const e = document.querySelector('" + selector + "'); if (!e || e.disabled || !e.checkVisibility()) return false; e.click(); return true })()"
	if _, err := chromedp.Run(b.Context, chromedp.Poll[bool](press, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		b.t.Fatalf("there is no %s to press: %v\n%s", selector, err, b.text())
	}
}

// sees waits until the text of an element holds a text.
func (b *browser) sees(selector, text string) {
	b.t.Helper()
	condition := `(document.querySelector("` + selector + `")?.innerText ?? "").includes("` + text + `")`
	if _, err := chromedp.Run(b.Context, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(40*time.Second))); err != nil {
		b.t.Fatalf("%s never shows %q: %v\n%s", selector, text, err, b.text())
	}
}

func (b *browser) text() string {
	text, err := chromedp.Run(b.Context, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

// TestNewcomer is the first quarter of an hour: read, predict, run, see the chart
// and the wire, step the race, write a wrong solution and then a right one, and
// see what each of them is told.
func TestNewcomer(t *testing.T) {
	workspace := t.TempDir()
	_, said := serve(t, []string{"GRIND_WORKSPACE=" + workspace}, program, "--no-open", "--port", "0")
	b := openBrowser(t, regexp.MustCompile(`http://\S+`).FindString(said))
	b.sees("main", "Start with 1.01")
	b.click(".go .button")
	b.do(chromedp.WaitVisible(chromedp.CSS("[data-ready] #run"))) // of the next page, its scripts at work
	b.sees("article", "Your counter says one.")

	b.click(`input[name="guess"][value="2"]`)
	b.click(`[data-act="run"]`)
	b.sees("#result", "You guessed")
	b.sees("#result", "lost with INCR")
	b.do(chromedp.WaitVisible(chromedp.CSS("#result svg.chart")))
	b.sees("#wire", "reply lost")

	b.click(`[data-race="begin"]`)
	schedule := ""
	for _, move := range []string{"A", "B", "A", "B"} {
		b.click(`[data-move="` + move + `"]`)
		schedule = strings.TrimSpace(schedule + " " + move)
		b.sees("[data-race-schedule]", schedule)
	}
	b.sees("#race", "lost: 1")
	if *picture != "" {
		b.photograph("#race", *picture)
	}
	b.click(`[data-race="back"]`)
	b.sees("#race", "bob’s next")
	b.click(`[data-race="explore"]`)
	b.sees("#race", "schedules break it")

	b.click(`[data-exercise="start"]`)
	b.sees("#exercise", "not written yet")
	b.save(workspace, wrong(t))
	b.sees("#exercise", "wrote over each other")
	b.save(workspace, solution(t))
	b.sees("#exercise .pill", "passed")
}

// TestPages opens every unit and every other page as a phone and as a desk see it,
// without a run: nothing sticks out of the window, the browser has nothing to
// complain of, and nothing is fetched from elsewhere.
func TestPages(t *testing.T) {
	_, said := serve(t, []string{"GRIND_WORKSPACE=" + t.TempDir()}, program, "--no-open", "--port", "0")
	address := regexp.MustCompile(`http://\S+`).FindString(said)
	base, _, _ := strings.Cut(address, "/?")
	b := openBrowser(t, address)
	complaints := b.complaints(base)
	b.sees("main", "Start with 1.01")
	units := strings.Fields(b.evaluate(`[...document.querySelectorAll('.cells a')].map(a => a.pathname).join(' ')`))
	if len(units) < 13 {
		t.Fatalf("got %d units on the path, want all of a phase at least", len(units))
	}
	const ready = "[data-ready] main, [data-page=''] main" // its scripts at work, if it has any
	for _, page := range append(units, "/", "/?route=weekend", "/glossary", "/play") {
		for _, width := range []int64{390, 1440} {
			b.do(chromedp.EmulateViewport(width, 1100), chromedp.Navigate(base+page), chromedp.WaitVisible(chromedp.CSS(ready)))
			// What scrolls by itself, such as code, may be as wide as it is.
			out := b.evaluate(`(() => {
				const wide = document.documentElement.clientWidth;
				if (document.documentElement.scrollWidth <= wide) return '';
				const out = [...document.querySelectorAll('main *')].find((e) => e.getBoundingClientRect().right > wide + 1);
				return (out ?? document.body).outerHTML.slice(0, 200);
			})()`)
			if out != "" {
				t.Errorf("%s at %d pixels is wider than the window: %s", page, width, out)
			}
			for _, complaint := range complaints() {
				t.Errorf("%s at %d pixels: %s", page, width, complaint)
			}
		}
	}
}

func (b *browser) evaluate(script string) string {
	b.t.Helper()
	value, err := chromedp.Run(b.Context, chromedp.Evaluate[string](script))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// complaints collects from now on what a page must not do: errors of its scripts,
// what its policy refuses, requests to another host. Each call hands out what came
// since the last.
func (b *browser) complaints(base string) func() []string {
	b.t.Helper()
	var mu sync.Mutex
	var all []string
	err := chromedp.Listen(b.Context, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			all = append(all, "exception: "+e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
				all = append(all, fmt.Sprintf("console: %s", e.Args[0].Value))
			}
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Source == log.EntrySourceSecurity {
				all = append(all, e.Entry.Text+" "+e.Entry.URL)
			}
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, base+"/") && !strings.HasPrefix(u, "data:") {
				all = append(all, "a request for "+u)
			}
		}
	})
	if err == nil {
		_, err = chromedp.Call(b.Context, network.Enable, network.EnableParams{})
	}
	if err == nil {
		_, err = chromedp.Call(b.Context, log.Enable, cdp.Empty{})
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		since := all
		all = nil
		return since
	}
}

// save writes the learner's file as an editor does.
func (b *browser) save(workspace, code string) {
	b.t.Helper()
	file := filepath.Join(workspace, "1.01-strings", "exercise.go")
	if err := os.WriteFile(file+"~", []byte(code), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		b.t.Fatal(err)
	}
}

func solution(t *testing.T) string {
	t.Helper()
	code, err := os.ReadFile("../../course/01-redis-fundamentals/01-strings/exercise/solution.go")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(code), "//go:build solution", "", 1)
}

// wrong is the mistake of the lesson: read, add one, write back.
func wrong(t *testing.T) string {
	t.Helper()
	old := "n, err := rdb.Incr(ctx, key).Result()"
	code := strings.Replace(solution(t), old, `n, err := rdb.Get(ctx, key).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, false, err
	}
	n++
	err = rdb.Set(ctx, key, n, 0).Err()`, 1)
	if code == solution(t) {
		t.Fatalf("the solution does not hold %q any more", old)
	}
	return code
}

func (b *browser) photograph(selector, file string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(760, 9000, chromedp.EmulateScale(2))) // one column, all of it in view
	png, err := chromedp.Run(b.Context, chromedp.Screenshot(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
