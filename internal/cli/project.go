package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/course"
	"github.com/redis-grind/grind/internal/project"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

// projectOf returns the project of a unit, and nil if it has none.
func projectOf(id string) *project.Project {
	for _, p := range course.Projects() {
		if p.Unit == id {
			return p
		}
	}
	return nil
}

// projects returns the runner of a project; it needs the source tree.
func (a *app) projects(p *project.Project) (*project.Runner, error) {
	r, err := a.exercises(nil)
	if err != nil {
		return nil, err
	}
	return &project.Runner{Project: p, Root: r.Root, Workspace: r.Workspace, Progress: r.Progress}, nil
}

// projectFlags are the flags of `grind check` that are for projects.
type projectFlags struct {
	urls          []string
	until         string
	redis, origin string
	program       []string // behind --
	patience      time.Duration
}

func (f *projectFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.urls, "url", nil, "of a project: the `URL` of a running instance; give two")
	cmd.Flags().StringVar(&f.until, "until", "", "of a project: end after this `milestone`")
	cmd.Flags().StringVar(&f.redis, "listen-redis", "", "of a project: where its Redis listens, `host:port` (default "+project.DefaultRedis+")")
	cmd.Flags().StringVar(&f.origin, "listen-origin", "", "of a project: where its origin listens, `host:port` (default "+project.DefaultOrigin+")")
	cmd.Flags().DurationVar(&f.patience, "patience", project.DefaultPatience, "of a project: how `long` instances may take until they are ready")
}

// given reports whether one of the flags, or a program, is there.
func (f *projectFlags) given(cmd *cobra.Command) bool {
	return len(f.program) > 0 || slices.ContainsFunc([]string{"url", "until", "listen-redis", "listen-origin", "patience"}, cmd.Flags().Changed)
}

// options are what is to be checked, or the mistake in how that was said.
func (f *projectFlags) options(p *project.Project) (project.Options, error) {
	o := project.Options{URLs: f.urls, Program: f.program, Redis: f.redis, Origin: f.origin, Until: f.until, Patience: f.patience}
	switch {
	case len(f.urls) > 0 && len(f.program) > 0:
		return o, usagef("--url is for instances that run, and a program behind -- is one to start: give one of the two")
	case len(f.urls) == 0 && len(f.program) == 0:
		return o, usagef("%s is a project, and is checked while two instances run. Start them and say where:\n"+
			"  grind check %[1]s --url http://127.0.0.1:8001 --url http://127.0.0.1:8002\n"+
			"or let them be started:\n"+
			"  grind check %[1]s -- PROGRAM ARGUMENTS…\n"+
			"`grind start %[1]s` puts a starter into ./workspace and says how to run it.", p.Unit)
	case len(f.urls) == 1:
		return o, usagef("give --url twice: with one instance half of all mistakes do not show")
	case len(f.urls) > project.Instances:
		return o, usagef("give --url twice, got %d", len(f.urls))
	case len(f.urls) == project.Instances && f.urls[0] == f.urls[1]:
		return o, usagef("--url names the same instance twice: %s", f.urls[0])
	case f.patience <= 0:
		return o, usagef("--patience must be longer than nothing, such as 30s, got %v", f.patience)
	}
	for _, text := range f.urls {
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			return o, usagef("--url must be like http://127.0.0.1:8001, got %q", text)
		}
	}
	if len(f.program) > 0 { // is told the addresses, so any will do
		o.Redis, o.Origin = orFree(o.Redis), orFree(o.Origin)
	}
	return o, nil
}

func orFree(addr string) string {
	if addr == "" {
		return "127.0.0.1:0"
	}
	return addr
}

// checkProject drives two instances through the milestones and shows each as it
// ends.
func (a *app) checkProject(ctx context.Context, p *project.Project, f projectFlags) error {
	o, err := f.options(p)
	if err != nil {
		return err
	}
	r, err := a.projects(p)
	if err != nil {
		return err
	}
	stop := func() {}
	defer func() { stop() }()
	o.Waiting = func(redisURL, originURL string) {
		stop = a.waitForInstances(o, redisURL, originURL)
	}
	o.Begun = func(m project.Milestone) {
		stop()
		stop = a.waiting(m.ID)
	}
	o.Ended = func(t exercise.Test) {
		stop()
		a.sayMilestone(t)
	}
	report, err := r.Check(ctx, o)
	stop()
	if report == nil {
		return a.explainProject(p, err)
	}
	a.sayProject(r, report)
	if a.json {
		err = errors.Join(a.printJSON(report), err)
	}
	if err == nil && report.Status != check.Pass {
		return &answerNo{}
	}
	return err
}

// waitForInstances says what the instances need to know while they are waited for.
func (a *app) waitForInstances(o project.Options, redisURL, originURL string) (stop func()) {
	if len(o.URLs) == 0 {
		a.say("%s", a.palette().soft(fmt.Sprintf("Two instances of `%s`, with Redis at %s and the origin at %s.", strings.Join(o.Program, " "), redisURL, originURL)))
		return a.waiting("waiting until both are ready")
	}
	a.say("Redis and the origin are there while this check runs. Both instances need:\n  REDIS_URL=%s\n  ORIGIN_URL=%s", redisURL, originURL)
	return a.waiting("waiting until both answer /readyz")
}

// sayMilestone shows how one milestone ended.
func (a *app) sayMilestone(t exercise.Test) {
	pal := a.palette()
	word := pal.good("pass ")
	switch t.Status {
	case check.Fail:
		word = pal.bad("fail ")
	case check.Error:
		word = pal.bad("error")
	}
	took := (time.Duration(t.Cost.Millis) * time.Millisecond).Round(10 * time.Millisecond)
	a.say("  %s  %-9s  %s", word, t.Task, t.Name)
	a.say("         %s", pal.soft(fmt.Sprintf("requests %d, commands %d, origin calls %d, %v", t.Cost.Requests, t.Cost.Commands, t.Cost.Origin, took)))
	if t.Message != "" {
		a.say("         %s", strings.ReplaceAll(strings.TrimSpace(t.Message), "\n", "\n         "))
	}
}

// sayProject says how far it went, and what comes next.
func (a *app) sayProject(r *project.Runner, report *exercise.Report) {
	pal, all := a.palette(), r.Milestones()
	if report.Message != "" {
		a.say("%s", pal.bad(report.Message))
	}
	if report.Printed != "" {
		a.say("It printed, at the end:\n  %s", strings.ReplaceAll(report.Printed, "\n", "\n  "))
	}
	reached := 0
	for _, t := range report.Tests {
		if t.Status == check.Pass {
			reached++
		}
	}
	took := pal.soft((time.Duration(report.Millis) * time.Millisecond).Round(100 * time.Millisecond).String())
	switch {
	case reached == len(all):
		a.say("%s %s", pal.good(fmt.Sprintf("%s passed: %d of %d milestones.", r.Unit, reached, len(all))), took)
	case report.Status == check.Pass:
		a.say("%s %s\nWithout --until the next is %s.", pal.good(fmt.Sprintf("%d of %d milestones.", reached, len(all))), took, all[reached].ID)
	case report.Status == check.Fail:
		a.say("%s %s\n%s\n`grind hint %s` helps with %s.", pal.bad(fmt.Sprintf("%d of %d milestones.", reached, len(all))), took, all[reached].Why, r.Unit, all[reached].ID)
	default:
		a.say("%s %s", pal.bad("It could not be judged."), took)
	}
}

// explainProject says what to do about an error that kept a check from running.
func (a *app) explainProject(p *project.Project, err error) error {
	switch {
	case errors.Is(err, project.ErrNoMilestone):
		return usageError{err}
	case errors.Is(err, project.ErrTaken):
		return fmt.Errorf("%w\nAnother check may be running. --listen-redis and --listen-origin choose other addresses; restart your instances with those.", err) //nolint:staticcheck,revive // sentences for a person
	case errors.Is(err, project.ErrNoServer):
		return fmt.Errorf("%w\n`grind setup` installs one.", err) //nolint:staticcheck,revive // sentences for a person
	case errors.Is(err, project.ErrNotReady):
		return fmt.Errorf("%w\nStart two instances, each in a terminal, and leave them running: `grind start %s` shows how.", err, p.Unit) //nolint:staticcheck,revive // sentences for a person
	}
	return err
}

// startProject puts a starter into the workspace and says how to go on.
func (a *app) startProject(r *project.Runner, language string) error {
	s, err := r.Starter(language)
	if err != nil {
		return usageError{err}
	}
	created, err := r.Start(s)
	if err != nil {
		return err
	}
	folder := shortFolder(r.Folder())
	if !created {
		a.say("You have begun already: %s is as you left it. `grind reset %s` starts over.", folder, r.Unit)
		s = a.begunIn(r, s)
	} else {
		a.say("The starter is in %s. contract.yaml says what you build; this is checked:", folder)
	}
	for _, m := range r.Milestones() {
		a.say("  · %-9s %s", m.ID, m.Title)
	}
	a.howToRun(r, s, folder)
	return nil
}

// begunIn guesses the starter that the learner's folder came from.
func (a *app) begunIn(r *project.Runner, otherwise project.Starter) project.Starter {
	for _, s := range r.Starters {
		name := map[string]string{"go": "go.mod", "fastapi": "main.py"}[s.Language]
		if _, err := os.Stat(filepath.Join(r.Folder(), name)); name != "" && err == nil {
			return s
		}
	}
	return otherwise
}

func (a *app) howToRun(r *project.Runner, s project.Starter, folder string) {
	a.say("\nFirst:\n  cd %s\n  %s", folder, s.Prepare)
	a.say("Then let grind start two instances and check them, as far as a milestone or all the way:\n  grind check %s --until %s -- %s", r.Unit, r.Milestones()[0].ID, s.Run)
	a.say("Or run two yourself, each in a terminal of its own, and keep them running:")
	for n := range project.Instances {
		a.say("  ADDR=127.0.0.1:%d REDIS_URL=redis://%s/0 ORIGIN_URL=http://%s %s", 8001+n, project.DefaultRedis, project.DefaultOrigin, s.Run)
	}
	a.say("  grind check %s --url http://127.0.0.1:8001 --url http://127.0.0.1:8002", r.Unit)
}

// resetProject starts over; what was there is kept.
func (a *app) resetProject(r *project.Runner, language string) error {
	s, err := r.Starter(language)
	if err != nil {
		return usageError{err}
	}
	if language == "" {
		s = a.begunIn(r, s)
	}
	backup, err := r.Reset(s)
	if err != nil {
		return err
	}
	if backup != "" {
		a.say("What you built is in %s.", shortFolder(backup))
	}
	a.say("%s is as it was at the start.", shortFolder(r.Folder()))
	return nil
}

// hintProject shows hints for the milestone that comes next.
func (a *app) hintProject(r *project.Runner, all bool) error {
	m, more := r.Next()
	if !more {
		a.say("Every milestone is reached: there is nothing left to hint at.")
		return nil
	}
	if all {
		hints, err := r.Hints(m.ID)
		for i, h := range hints {
			a.sayHint(m, h, i+1, len(hints))
		}
		return err
	}
	h, n, of, err := r.NextHint(m.ID)
	if err != nil {
		return err
	}
	a.sayHint(m, h, n, of)
	return nil
}

func (a *app) sayHint(m project.Milestone, h exercise.Hint, n, of int) {
	a.say("%s\n\n%s\n", a.palette().bold(fmt.Sprintf("%s, hint %d of %d: %s", m.ID, n, of, h.Title)), h.Text)
}

// shortFolder is a path as people write it: from the current folder if it is below.
func shortFolder(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(wd, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
