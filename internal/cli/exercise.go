package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

// onExercise makes a command over the exercise of one unit.
func (a *app) onExercise(use, short string, do func(ctx context.Context, r *exercise.Runner, e unit.Entry) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " UNIT", Short: short, Args: oneUnit, ValidArgsFunction: a.completeUnit,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.course.Find(args[0])
			if err != nil {
				return err
			}
			if len(e.Unit.Tasks) == 0 {
				return usagef("unit %s has no exercise", e.Unit.ID)
			}
			r, err := a.exercises(nil)
			if err != nil {
				return err
			}
			return do(cmd.Context(), r, e)
		},
	}
}

func (a *app) startCommand() *cobra.Command {
	return a.onExercise("start", "Put a unit's exercise into ./workspace (or $GRIND_WORKSPACE)", func(_ context.Context, r *exercise.Runner, e unit.Entry) error {
		created, err := r.Start(e)
		if err != nil {
			return err
		}
		if created {
			a.say("The exercise is in %s.", r.File(e))
		} else {
			a.say("You have begun already: %s is as you left it. `grind reset %s` starts over.", r.File(e), e.Unit.ID)
		}
		for _, t := range e.Unit.Tasks {
			a.say("  · %s", t.Title)
		}
		a.say("\n`grind watch %s` checks it at each save, `grind check %[1]s` once.", e.Unit.ID)
		return nil
	})
}

func (a *app) resetCommand() *cobra.Command {
	return a.onExercise("reset", "Start an exercise over; what you wrote is kept beside it", func(_ context.Context, r *exercise.Runner, e unit.Entry) error {
		backup, err := r.Reset(e)
		if err != nil {
			return err
		}
		if backup != "" {
			a.say("What you wrote is in %s.", backup)
		}
		a.say("%s is as it was at the start.", r.File(e))
		return nil
	})
}

func (a *app) hintCommand() *cobra.Command {
	var all bool
	cmd := a.onExercise("hint", "Show the next hint", func(_ context.Context, r *exercise.Runner, e unit.Entry) error {
		if all {
			hints, err := r.Hints(e)
			if err != nil {
				return err
			}
			for i, h := range hints {
				a.hint(e, h, i+1, len(hints))
			}
			return nil
		}
		h, n, of, err := r.NextHint(e)
		if err != nil {
			return err
		}
		a.hint(e, h, n, of)
		return nil
	})
	cmd.Flags().BoolVar(&all, "all", false, "show every hint")
	return cmd
}

func (a *app) hint(e unit.Entry, h exercise.Hint, n, of int) {
	a.say("%s\n\n%s\n", a.palette().bold(fmt.Sprintf("Hint %d of %d: %s", n, of, h.Title)), h.Text)
	if n == of {
		a.say("That was the last hint. `grind solution %s` shows the rest.", e.Unit.ID)
	}
}

func (a *app) solutionCommand() *cobra.Command {
	return a.onExercise("solution", "Show the solution as a diff against your file", func(_ context.Context, r *exercise.Runner, e unit.Entry) error {
		return a.solution(r, e)
	})
}

// solution shows how the solution differs from the learner's file.
func (a *app) solution(r *exercise.Runner, e unit.Entry) error {
	diff, err := r.Solution(e)
	if err != nil {
		return err
	}
	if diff == "" {
		a.say("Your file is the solution, letter by letter.")
		return nil
	}
	a.say("%s", a.colourDiff(diff))
	return nil
}
