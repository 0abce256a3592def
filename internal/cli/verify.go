package cli

import (
	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

func (a *app) verifyCommand() *cobra.Command {
	return a.reports(&cobra.Command{
		Use:   "verify [UNIT…]",
		Short: "For authors: prove that exercises tell right from wrong",
		Long: `For authors and CI. Every unit must have its parts; every starter must fail, every
solution pass under the race detector, and every wrong solution be refuted at the
task and with the message that it names.`,
		ValidArgsFunction: a.completeUnits,
		RunE: func(cmd *cobra.Command, args []string) error {
			entries := a.course.All()
			if len(args) > 0 {
				entries = nil
			}
			for _, id := range args {
				e, err := a.course.Find(id)
				if err != nil {
					return err
				}
				entries = append(entries, e)
			}
			return a.verify(cmd, entries)
		},
	})
}

func (a *app) verify(cmd *cobra.Command, entries []unit.Entry) error {
	r, err := a.exercises(nil)
	if err != nil {
		return err
	}
	if r.Redis, err = a.openRedis(cmd.Context()); err != nil {
		return err
	}
	verdicts := []exercise.Verdict{}
	pal := a.palette()
	stop := a.waiting("verifying")
	passed, failed, err := r.Verify(cmd.Context(), entries, func(v exercise.Verdict) {
		stop()
		stop = a.waiting("verifying")
		verdicts = append(verdicts, v)
		word := pal.good("ok  ")
		if !v.OK {
			word = pal.bad("FAIL")
		}
		a.say("%s  %s  %s", word, v.ID, v.What)
		if v.Message != "" {
			a.say("      %s", v.Message)
		}
	})
	stop()
	if err != nil {
		return err
	}
	if a.json {
		if err := a.printJSON(map[string]any{"passed": passed, "failed": failed, "verdicts": verdicts}); err != nil {
			return err
		}
	}
	a.say("%d passed, %d failed", passed, failed)
	if failed > 0 {
		return &answerNo{}
	}
	return nil
}
