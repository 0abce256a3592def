package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/course"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

func (a *app) checkCommand() *cobra.Command {
	var (
		all  bool
		file string
		f    projectFlags
	)
	cmd := a.reports(&cobra.Command{
		Use:   "check [UNIT] [-- PROGRAM ARGUMENTS…]",
		Short: "Check your exercise, or your project: what it does, and what it costs",
		Long: `Check your exercise: what it does, and what it costs.

A project is checked from outside, while two instances of it run: they are driven
over HTTP, and the Redis and the origin behind them are grind's. Give the URL of
each, or a program behind "--" that grind starts twice, with ADDR, REDIS_URL and
ORIGIN_URL in its environment, and surely ends.`,
		Example: `  grind check 1.01
  grind check --all
  grind check 9.01 --url http://127.0.0.1:8001 --url http://127.0.0.1:8002
  grind check 9.01 --until stampede -- python3 main.py`,
		ValidArgsFunction: a.completeUnit,
		Args: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				if f.program = args[dash:]; len(f.program) == 0 {
					return usagef("there is no program behind --")
				}
				args = args[:dash]
			}
			if all && (len(args) > 0 || file != "" || f.given(cmd)) {
				return usagef("--all checks every exercise that you began; it takes neither a unit nor --file, nor what is for projects")
			}
			if all {
				return nil
			}
			return oneUnit(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			entries := a.course.All()
			if !all {
				e, err := a.course.Find(args[0])
				if err != nil {
					return err
				}
				if p := projectOf(e.Unit.ID); p != nil {
					if file != "" {
						return usagef("--file is for exercises, and %s is a project", e.Unit.ID)
					}
					return a.checkProject(cmd.Context(), p, f)
				}
				if f.given(cmd) {
					return usagef("%s is an exercise: --url, --until, --listen-redis, --listen-origin, --patience and a program behind -- are for projects, such as %s", e.Unit.ID, course.Projects()[0].Unit)
				}
				entries = []unit.Entry{e}
			}
			return a.check(cmd.Context(), entries, all, file)
		},
	})
	cmd.Flags().BoolVar(&all, "all", false, "check every exercise that you began")
	cmd.Flags().StringVar(&file, "file", "", "check this `file` instead of the one in ./workspace")
	f.add(cmd)
	return cmd
}

func (a *app) check(ctx context.Context, entries []unit.Entry, onlyBegun bool, file string) error {
	r, err := a.exercises(nil)
	if err != nil {
		return err
	}
	if !onlyBegun && len(entries[0].Unit.Tasks) == 0 {
		return usagef("unit %s has no exercise", entries[0].Unit.ID)
	}
	if onlyBegun {
		entries = slices.DeleteFunc(entries, func(e unit.Entry) bool {
			return len(e.Unit.Tasks) == 0 || !begunAt(r.File(e))
		})
	}
	if len(entries) == 0 {
		a.say("You have begun no exercise yet. `grind start 1.01` begins the first.")
	} else if r.Redis, err = a.openRedis(ctx); err != nil {
		return err
	}
	reports, err := a.checkEach(ctx, r, entries, file)
	if a.json && len(reports) == len(entries) {
		var document any = reports
		if !onlyBegun {
			document = reports[0]
		}
		if err != nil {
			err = toldError{err}
		}
		err = errors.Join(a.printJSON(document), err)
	}
	if err != nil {
		return err
	}
	if slices.ContainsFunc(reports, func(r *exercise.Report) bool { return r.Status != check.Pass }) {
		return &answerNo{}
	}
	return nil
}

// checkEach checks one exercise after the other and shows each report. An error
// beside all reports says that the progress could not be kept: that is told after
// what was found.
func (a *app) checkEach(ctx context.Context, r *exercise.Runner, entries []unit.Entry, file string) ([]*exercise.Report, error) {
	var (
		reports = []*exercise.Report{}
		unkept  error
	)
	for _, e := range entries {
		stop := a.waiting("checking " + e.Unit.ID)
		report, err := r.Check(ctx, e, exercise.CheckOptions{File: file})
		stop()
		if report == nil {
			return reports, err
		}
		unkept = err // the same for all of them
		reports = append(reports, report)
		if !a.json {
			a.printReport(e, report)
		}
	}
	return reports, unkept
}

// begunAt says whether a person has begun an exercise: its file is there.
func begunAt(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// printReport shows what a check found: the sentence of the first task that is
// not passed stands out, for one thing at a time is to be mended.
func (a *app) printReport(e unit.Entry, r *exercise.Report) {
	pal := a.palette()
	words := map[check.Status]string{check.Pass: pal.good("pass "), check.Fail: pal.bad("fail "), check.Error: pal.bad("error")}
	if r.Message != "" {
		a.say("%s", strings.TrimSpace(r.Message))
	}
	for _, t := range r.Tests {
		a.say("  %s  %s", words[t.Status], t.Name)
		if t.Note != "" {
			a.say("         %s", pal.soft(strings.ReplaceAll(t.Note, "\n", "\n         ")))
		}
		if t.Message != "" {
			a.say("         %s", strings.ReplaceAll(strings.TrimSpace(t.Message), "\n", "\n         "))
		}
	}
	took := (time.Duration(r.Millis) * time.Millisecond).Round(10 * time.Millisecond)
	if r.Status == check.Pass {
		a.say("%s %s", pal.good(fmt.Sprintf("%s passed.", e.Unit.ID)), pal.soft(took.String()))
		a.say("`grind solution %s` shows how ours differs from yours.", e.Unit.ID)
		return
	}
	a.say("%s %s", pal.bad(fmt.Sprintf("%s is not there yet.", e.Unit.ID)), pal.soft(took.String()))
	a.say("`grind hint %s` helps a step further.", e.Unit.ID)
}

// colourDiff paints a unified diff.
func (a *app) colourDiff(diff string) string {
	pal := a.palette()
	lines := strings.Split(strings.TrimRight(diff, "\n"), "\n")
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "+++"), strings.HasPrefix(l, "---"), strings.HasPrefix(l, "@@"):
			lines[i] = pal.soft(l)
		case strings.HasPrefix(l, "+"):
			lines[i] = pal.good(l)
		case strings.HasPrefix(l, "-"):
			lines[i] = pal.bad(l)
		}
	}
	return strings.Join(lines, "\n")
}
