package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// listed is a unit as `grind list --json` tells it.
type listed struct {
	ID       string         `json:"id"`
	Phase    int            `json:"phase"`
	Slug     string         `json:"slug"`
	Title    string         `json:"title"`
	Minutes  int            `json:"minutes"`
	Needs    []unit.Need    `json:"needs"`
	Packages []string       `json:"packages"`
	Exercise bool           `json:"exercise"`
	Project  *listedProject `json:"project,omitempty"`
	Status   string         `json:"status"`
}

// listedProject is how far a project is.
type listedProject struct {
	Reached    int `json:"reached"`
	Milestones int `json:"milestones"`
}

func (a *app) listCommand() *cobra.Command {
	return a.reports(&cobra.Command{
		Use:   "list",
		Short: "List the units of the path",
		Args:  atMost(0),
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
			l := listed{
				ID: u.ID, Phase: p.Number, Slug: e.Slug(), Title: u.Title, Minutes: u.Minutes,
				Needs: append([]unit.Need{}, u.Needs...), Packages: append([]string{}, u.Packages...),
				Exercise: len(u.Tasks) > 0, Status: string(store.Unit(u.ID).Status),
			}
			if p := projectOf(u.ID); p != nil {
				_, milestones := p.Open()
				l.Project = &listedProject{Reached: len(store.Unit(u.ID).Reached), Milestones: len(milestones)}
			}
			all = append(all, l)
		}
	}
	return all
}

// listIncident lists the incident that ends a phase, if there is one.
func (a *app) listIncident(w io.Writer, phase int, store *progress.Store) {
	for _, e := range a.course.Incidents {
		if e.Phase == phase {
			i := e.Incident
			fmt.Fprintf(w, "   end\t%s\t%d min\t%s\tgrind incident %d\n", i.Title, i.Minutes, store.Unit(i.ID).Status, phase)
		}
	}
}

func (a *app) printList(all []listed) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	phase := 0
	store, err := a.progress()
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Phase != phase {
			a.listIncident(w, phase, store)
			phase = l.Phase
			w.Flush()
			fmt.Fprintf(&b, "%d  %s\n", phase, a.course.Phases[phase-1].Title)
		}
		status, needs := l.Status, ""
		switch {
		case l.Project != nil:
			status = fmt.Sprintf("%s, %d of %d milestones", l.Status, l.Project.Reached, l.Project.Milestones)
		case !l.Exercise:
			status = "no exercise"
		}
		if len(l.Needs) > 0 { // the last says most: a server of its own is also a real one
			needs = "needs " + string(l.Needs[len(l.Needs)-1])
		}
		fmt.Fprintf(w, "   %s\t%s\t%d min\t%s\t%s\n", l.ID, l.Title, l.Minutes, status, needs)
	}
	a.listIncident(w, phase, store)
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) { // the table pads its last column
		a.say("%s", strings.TrimRight(line, " \n"))
	}
	a.say("\n`grind show 1.01` reads, `grind run 1.01` runs, `grind start 1.01` begins.")
	return nil
}
