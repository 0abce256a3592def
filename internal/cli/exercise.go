package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/course"
	"github.com/redis-grind/grind/internal/project"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

// onExercise makes a command over the exercise of one unit. What it does on a
// project is onProject; nil means that projects have no such thing.
func (a *app) onExercise(use, short string, onProject func(*project.Runner) error, do func(ctx context.Context, r *exercise.Runner, e unit.Entry) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " UNIT", Short: short, Args: oneUnit, ValidArgsFunction: a.completeUnit,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.course.Find(args[0])
			if err != nil {
				return err
			}
			if p := projectOf(e.Unit.ID); p != nil {
				return a.doProject(use, p, onProject)
			}
			if language := cmd.Flags().Lookup("lang"); language != nil && language.Changed {
				return usagef("--lang is for projects, such as %s; exercises are written in Go", course.Projects()[0].Unit)
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

func (a *app) doProject(use string, p *project.Project, do func(*project.Runner) error) error {
	if do == nil {
		return usagef("%s is a project, and there is no `grind %s` for those", p.Unit, use)
	}
	r, err := a.projects(p)
	if err != nil {
		return err
	}
	return do(r)
}

// languageFlag is for the commands that put a starter into the workspace.
func languageFlag(cmd *cobra.Command, language *string) *cobra.Command {
	cmd.Flags().StringVar(language, "lang", "", "of a project: the starter's `language`, such as go or fastapi")
	return cmd
}

func (a *app) startCommand() *cobra.Command {
	var language string
	onProject := func(r *project.Runner) error { return a.startProject(r, language) }
	return languageFlag(a.onExercise("start", "Put a unit's exercise into ./workspace (or $GRIND_WORKSPACE)", onProject, func(_ context.Context, r *exercise.Runner, e unit.Entry) error {
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
	}), &language)
}

func (a *app) resetCommand() *cobra.Command {
	var language string
	onProject := func(r *project.Runner) error { return a.resetProject(r, language) }
	return languageFlag(a.onExercise("reset", "Start an exercise over; what you wrote is kept beside it", onProject, func(_ context.Context, r *exercise.Runner, e unit.Entry) error {
		backup, err := r.Reset(e)
		if err != nil {
			return err
		}
		if backup != "" {
			a.say("What you wrote is in %s.", backup)
		}
		a.say("%s is as it was at the start.", r.File(e))
		return nil
	}), &language)
}

func (a *app) hintCommand() *cobra.Command {
	var all bool
	onProject := func(r *project.Runner) error { return a.hintProject(r, all) }
	cmd := a.onExercise("hint", "Show the next hint", onProject, func(_ context.Context, r *exercise.Runner, e unit.Entry) error {
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
	return a.onExercise("solution", "Show the solution as a diff against your file", nil, func(_ context.Context, r *exercise.Runner, e unit.Entry) error {
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
