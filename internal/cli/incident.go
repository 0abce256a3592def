package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/internal/incident"
	"github.com/redis-grind/grind/internal/unit"
)

// incidentFlags are the flags of `grind incident`.
type incidentFlags struct {
	file         string
	limit        time.Duration
	start, reset bool
}

func (a *app) incidentCommand() *cobra.Command {
	var f incidentFlags
	cmd := a.reports(&cobra.Command{
		Use:   "incident [PHASE]",
		Short: "Mend a program under load, at the end of a phase",
		Long: `Run the incident that ends a phase: a small program under load misbehaves. The
dashboard shows what hurts; the wire and what the phase taught lead to the cause.
You mend one file in ./workspace; each save is built and takes over, on a Redis of
its own. It is over when every fact was green for five seconds: exit code 0. When
--for is over before, or you end it with Ctrl-C, the exit code is 1.`,
		Example: `  grind incident 1
  grind incident 1 --start        only put the file into ./workspace
  grind incident 1 --for 30s --json | tail -1`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeIncidents,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.findIncident(args)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("for") && f.limit <= 0 {
				return usagef("--for must be longer than nothing, such as 30s, got %v", f.limit)
			}
			if f.file != "" && (f.start || f.reset) || f.start && f.reset {
				return usagef("--file, --start and --reset exclude each other")
			}
			return a.incident(cmd.Context(), e, f)
		},
	})
	cmd.Flags().StringVar(&f.file, "file", "", "run this `file` instead of the one in ./workspace")
	cmd.Flags().DurationVar(&f.limit, "for", 0, "end after this `time`, such as 30s, if it is not over before")
	cmd.Flags().BoolVar(&f.start, "start", false, "only put the file to mend into ./workspace")
	cmd.Flags().BoolVar(&f.reset, "reset", false, "only start the file over; what you wrote is kept beside it")
	return cmd
}

func (a *app) findIncident(args []string) (unit.IncidentEntry, error) {
	id := ""
	if len(args) > 0 {
		id = args[0]
	}
	e, ok := a.course.FindIncident(id)
	if !ok {
		return e, usagef("no incident ends phase %s yet\n`grind list` shows those that there are.", id)
	}
	return e, nil
}

func (a *app) completeIncidents(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, e := range a.course.Incidents {
		out = append(out, fmt.Sprintf("%d\t%s", e.Phase, e.Incident.Title))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// incidents returns the runner of an incident; it needs the source tree.
func (a *app) incidents(e unit.IncidentEntry) (*incident.Runner, error) {
	r, err := a.exercises(nil)
	if err != nil {
		return nil, err
	}
	return &incident.Runner{Root: r.Root, Entry: e, Progress: r.Progress, Workspace: r.Workspace}, nil
}

func (a *app) incident(ctx context.Context, e unit.IncidentEntry, f incidentFlags) error {
	r, err := a.incidents(e)
	if err != nil {
		return err
	}
	switch {
	case f.reset:
		return a.resetIncident(r)
	case f.file == "":
		if err := a.startIncident(r); err != nil || f.start {
			return err
		}
	default:
		if f.file, err = filepath.Abs(f.file); err != nil {
			return err
		}
	}
	show := a.incidentView(e, cmp.Or(f.file, r.File()))
	bounded, cancel := ctx, context.CancelFunc(func() {})
	if f.limit > 0 {
		bounded, cancel = context.WithTimeout(ctx, f.limit)
	}
	defer cancel()
	over, err := r.Run(bounded, f.file, show.event)
	show.end(over)
	if err == nil && !over {
		err = &answerNo{}
	}
	return err
}

func (a *app) startIncident(r *incident.Runner) error {
	created, err := r.Start()
	if err != nil {
		return err
	}
	if created {
		a.say("The file to mend is %s.", r.File())
	} else {
		a.say("Your file is %s, as you left it. `grind incident %d --reset` starts it over.", r.File(), r.Entry.Phase)
	}
	return nil
}

func (a *app) resetIncident(r *incident.Runner) error {
	backup, err := r.Reset()
	if err != nil {
		return err
	}
	if backup != "" {
		a.say("What you wrote is in %s.", backup)
	}
	a.say("%s is as it was at the start.", r.File())
	return nil
}
