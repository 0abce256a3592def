package cli

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/unit"
)

// runFlags are the flags of `grind run`.
type runFlags struct {
	set      []string
	quick    bool
	race     string
	schedule string
	explore  bool
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := a.reports(&cobra.Command{
		Use:   "run UNIT",
		Short: "Run a unit's experiment",
		Long: `Run a unit's experiment on a private Redis and show what it measured.

With --race a race of the unit is played instead: --schedule "A B A B" says who
takes the next step, A for the first actor and B for the second; "A!" crashes A
before its step, "A?" loses the reply of it. --explore plays every schedule.`,
		Example: `  grind run 1.01
  grind run 1.01 --set clients=10 --set likes=100
  grind run 1.01 --race get-set --schedule "A B A B"
  grind run 1.01 --race incr --explore
  grind run 1.01 --json | tail -1`,
		Args:              oneUnit,
		ValidArgsFunction: a.completeUnit,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.course.Find(args[0])
			if err != nil {
				return err
			}
			return a.run(cmd.Context(), e.Unit, f)
		},
	})
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "set a parameter, `name=value`; may be repeated")
	cmd.Flags().BoolVar(&f.quick, "quick", false, "take the quick parameters: done in two seconds")
	cmd.Flags().StringVar(&f.race, "race", "", "play the race of this `name` instead")
	cmd.Flags().StringVar(&f.schedule, "schedule", "", "the `steps` to play, such as \"A B A B\"")
	cmd.Flags().BoolVar(&f.explore, "explore", false, "play every schedule of the race")
	return cmd
}

func (a *app) run(ctx context.Context, u *unit.Unit, f runFlags) error {
	set, err := parseSet(f.set)
	if err != nil {
		return err
	}
	racing := f.race != "" || f.schedule != "" || f.explore
	switch {
	case f.explore && f.schedule != "":
		return usagef("--explore plays every schedule, and --schedule one: give one of the two")
	case racing && (len(f.set) > 0 || f.quick):
		return usagef("--set and --quick are for the experiment; a race has no parameters")
	}
	if _, err := u.Settings(set, f.quick); err != nil { // before a server is started
		return err
	}
	if racing {
		if _, err := u.Scenario(f.race); err != nil {
			return usageError{err}
		}
	}
	r, err := a.openRedis(ctx)
	if err != nil {
		return err
	}
	show := a.renderer()
	defer show.done()
	if racing {
		return a.runRace(ctx, u, r, f, show)
	}
	a.say("%s", r.Line())
	if missing := u.Missing(r); missing == nil && !f.quick {
		a.predict(ctx, u.Predict)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	result, err := unit.Execute(ctx, u, unit.ExecOptions{Redis: r, Set: set, Quick: f.quick, Emit: show.event})
	if err != nil {
		return err
	}
	if !result.OK {
		return &answerNo{}
	}
	return nil
}

func (a *app) runRace(ctx context.Context, u *unit.Unit, r *localredis.Redis, f runFlags, show renderer) error {
	sc, err := u.Scenario(f.race)
	if err != nil {
		return usageError{err}
	}
	if f.explore {
		report, err := unit.ExploreRace(ctx, u, r, sc.Name, func(done, total int) {
			show.event(unit.Progress{Label: "schedules", Done: done, Total: total})
		})
		if err != nil {
			return err
		}
		show.event(unit.Race{Scenario: sc.Name, Title: sc.Title, Report: report})
		return nil
	}
	schedule, err := race.ParseSchedule(f.schedule)
	if err != nil {
		return usageError{err}
	}
	outcome, err := unit.StepRace(ctx, u, r, sc.Name, schedule)
	if err != nil {
		return err
	}
	show.event(unit.Race{Scenario: sc.Name, Title: sc.Title, Outcome: outcome})
	return nil
}

// predict asks a person what will come out, before it does. It asks nobody who is
// not at a terminal.
func (a *app) predict(ctx context.Context, p unit.Prediction) {
	in, isFile := a.in.(*os.File)
	width, shown := a.terminal()
	if !shown || a.json || !isFile || !term.IsTerminal(int(in.Fd())) || p.Question == "" {
		return
	}
	a.say("\n%s\n%s", a.palette().bold("Your guess first."), fit(p.Question, width))
	for i, choice := range p.Choices {
		a.say("  %d  %s", i+1, choice)
	}
	guess, err := strconv.Atoi(a.ask(ctx, fmt.Sprintf("1 to %d, or Enter to go on: ", len(p.Choices))))
	if err == nil && guess >= 1 && guess <= len(p.Choices) {
		a.say("%s", a.palette().soft("You say: "+p.Choices[guess-1]+". The answer comes at the end."))
	}
}

// parseSet reads name=value pairs.
func parseSet(pairs []string) (map[string]string, error) {
	set := map[string]string{}
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, usagef("--set takes name=value, got %q", p)
		}
		if _, twice := set[name]; twice {
			return nil, usagef("--set %s was given twice", name)
		}
		set[name] = value
	}
	return set, nil
}

// renderer shows the events of a run.
type renderer interface {
	event(unit.Event)
	done()
}

func (a *app) renderer() renderer {
	if a.json {
		return &jsonRenderer{a: a}
	}
	return newTermRenderer(a)
}

// jsonRenderer writes one event a line.
type jsonRenderer struct{ a *app }

func (j *jsonRenderer) event(e unit.Event) {
	line, err := unit.Marshal(e)
	if err != nil { // an event that cannot be told is a mistake in this program
		panic(fmt.Sprintf("marshal a %s event: %v", e.Type(), err))
	}
	fmt.Fprintln(j.a.out, string(line))
}

func (j *jsonRenderer) done() {}
