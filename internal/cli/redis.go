package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/redis-grind/grind/internal/localredis"
	"github.com/redis-grind/grind/internal/unit/exercise"
	"github.com/redis-grind/grind/internal/unit/progress"
	"github.com/spf13/cobra"
)

// suspectError refuses a Redis that looks as if others depend on it.
type suspectError struct{ addr, why string }

// Error says what speaks against the server, and both ways out.
func (e *suspectError) Error() string {
	return fmt.Sprintf("%s looks like a Redis that others depend on: %s. Nothing was written to it.\n"+
		"Without --redis and REDIS_URL grind works on a private Redis of its own; --%s takes this one all the same, and touches only keys under %s",
		e.addr, e.why, useThisRedis, localredis.Prefix)
}

// useThisRedis is the flag of a person who knows better.
const useThisRedis = "yes-use-this-redis"

// openRedis finds or starts the Redis that a command works on, and has it
// stopped at the end. One that looks like production is refused, unless the
// person said that it may be used: what is run on it writes, and is a load.
func (a *app) openRedis(ctx context.Context) (*localredis.Redis, error) {
	r, err := a.lookAtRedis(ctx)
	if err == nil && r.Suspect() != "" && !a.anyRedis {
		return nil, &suspectError{r.Addr(), r.Suspect()}
	}
	return r, err
}

// lookAtRedis is openRedis for a command that writes nothing: no server that can
// be reached is refused.
func (a *app) lookAtRedis(ctx context.Context) (*localredis.Redis, error) {
	r, err := localredis.Open(ctx, localredis.Options{URL: a.url})
	if err != nil {
		return nil, err
	}
	a.atEnd(r.Close)
	return r, nil
}

// exercises returns the runner of exercises; it needs the source tree.
func (a *app) exercises(r *localredis.Redis) (*exercise.Runner, error) {
	root, err := exercise.FindRoot(".")
	if err != nil {
		return nil, err
	}
	store, err := a.progress()
	if err != nil {
		return nil, err
	}
	// GRIND_WORKSPACE keeps the learner's files elsewhere, such as in a repository
	// of their own.
	workspace := os.Getenv("GRIND_WORKSPACE")
	if workspace != "" {
		if workspace, err = filepath.Abs(workspace); err != nil {
			return nil, fmt.Errorf("GRIND_WORKSPACE: %w", err)
		}
	}
	return &exercise.Runner{Root: root, Course: a.course, Redis: r, Progress: store, Workspace: workspace}, nil
}

// completeUnit offers the ids of units, with their titles, where one is taken.
func (a *app) completeUnit(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeUnits(cmd, args, begun)
}

// completeUnits does so where any number is taken.
func (a *app) completeUnits(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, e := range a.course.All() {
		out = append(out, e.Unit.ID+"\t"+e.Unit.Title)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// oneUnit says that a command takes exactly one unit.
func oneUnit(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("`%s` takes one unit, such as `%s 1.01`; got %d.\n`grind list` shows all of them.", cmd.CommandPath(), cmd.CommandPath(), len(args))
	}
	return nil
}

// atMost says that a command takes no more than n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("`%s` does not take %q\n`%[1]s --help` says what it takes.", cmd.CommandPath(), args[n])
		}
		return nil
	}
}

// say prints a line for people; with --json nothing but JSON is printed.
func (a *app) say(format string, args ...any) {
	if !a.json {
		fmt.Fprintf(a.out, format+"\n", args...)
	}
}

// progress opens the record of what was done, and lets units that have a new id
// take over what was done under the former one.
func (a *app) progress() (*progress.Store, error) {
	store, err := progress.Open("")
	if err != nil {
		return nil, err
	}
	for _, e := range a.course.All() {
		for _, former := range e.Unit.Formerly {
			if err := store.Adopt(e.Unit.ID, former); err != nil {
				return nil, err
			}
		}
	}
	return store, nil
}
