package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/internal/project"
	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

func (a *app) verifyCommand() *cobra.Command {
	return a.reports(&cobra.Command{
		Use:   "verify [UNIT…|incident-1…]",
		Short: "For authors: prove that exercises tell right from wrong",
		Long: `For authors and CI. Every unit must have its parts; every starter must fail, every
solution pass under the race detector, and every wrong solution be refuted at the
task and with the message that it names. A project must have its parts, and starters
that compile; its milestones are proven by the tests of its unit. Of an incident, every version that is
listed must turn green the facts that it mends, and no others.`,
		ValidArgsFunction: a.completeUnits,
		RunE: func(cmd *cobra.Command, args []string) error {
			entries, incidents := a.course.All(), a.course.Incidents
			if len(args) > 0 {
				entries, incidents = nil, nil
			}
			for _, id := range args {
				if e, ok := a.course.FindIncident(id); ok && id == e.Incident.ID {
					incidents = append(incidents, e)
					continue
				}
				e, err := a.course.Find(id)
				if err != nil {
					return err
				}
				entries = append(entries, e)
			}
			return a.verify(cmd, entries, incidents)
		},
	})
}

func (a *app) verify(cmd *cobra.Command, entries []unit.Entry, incidents []unit.IncidentEntry) error {
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
	tell := func(v exercise.Verdict) {
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
	}
	passed, failed, err := r.Verify(cmd.Context(), entries, tell)
	for _, e := range entries {
		p := projectOf(e.Unit.ID)
		if err != nil || p == nil {
			continue
		}
		right, wrong := (&project.Runner{Project: p, Root: r.Root}).Verify(cmd.Context(), tell)
		passed, failed = passed+right, failed+wrong
	}
	for _, e := range incidents {
		if err != nil {
			break
		}
		var right, wrong int
		right, wrong, err = a.verifyIncident(cmd.Context(), e, tell)
		passed, failed = passed+right, failed+wrong
	}
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

func (a *app) verifyIncident(ctx context.Context, e unit.IncidentEntry, tell func(exercise.Verdict)) (passed, failed int, err error) {
	r, err := a.incidents(e)
	if err != nil {
		return 0, 0, err
	}
	return r.Verify(ctx, tell)
}
