package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// listed is a unit as `grind list --json` tells it.
type listed struct {
	ID       string      `json:"id"`
	Phase    int         `json:"phase"`
	Slug     string      `json:"slug"`
	Title    string      `json:"title"`
	Minutes  int         `json:"minutes"`
	Needs    []unit.Need `json:"needs"`
	Packages []string    `json:"packages"`
	Exercise bool        `json:"exercise"`
	Status   string      `json:"status"`
}

func (a *app) listCommand() *cobra.Command {
	return a.reports(&cobra.Command{
		Use:   "list",
		Short: "List the units of the path",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			store, err := a.progress()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(a.listing(store))
			}
			return a.printList(a.listing(store))
		},
	})
}

func (a *app) listing(store *progress.Store) []listed {
	all := []listed{}
	for _, p := range a.course.Phases {
		for _, e := range p.Units {
			u := e.Unit
			all = append(all, listed{
				ID: u.ID, Phase: p.Number, Slug: e.Slug(), Title: u.Title, Minutes: u.Minutes,
				Needs: append([]unit.Need{}, u.Needs...), Packages: append([]string{}, u.Packages...),
				Exercise: len(u.Tasks) > 0, Status: string(store.Unit(u.ID).Status),
			})
		}
	}
	return all
}

func (a *app) printList(all []listed) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	phase := 0
	for _, l := range all {
		if l.Phase != phase {
			phase = l.Phase
			w.Flush()
			fmt.Fprintf(a.out, "%d  %s\n", phase, a.course.Phases[phase-1].Title)
		}
		task, needs := "", ""
		if l.Exercise {
			task = "exercise"
		}
		for i, n := range l.Needs {
			needs += []string{"needs ", ", "}[min(i, 1)] + string(n)
		}
		fmt.Fprintf(w, "   %s\t%s\t%d min\t%s\t%s\t%s\n", l.ID, l.Title, l.Minutes, task, l.Status, needs)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "\n`grind show 1.01` reads, `grind run 1.01` runs, `grind start 1.01` begins the exercise.")
	return nil
}
