package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// explained is a word as `grind glossary --json` tells it.
type explained struct {
	Word  string `json:"word"`
	Means string `json:"means"`
	Unit  string `json:"unit"`
}

func (a *app) glossaryCommand() *cobra.Command {
	return a.reports(&cobra.Command{
		Use:   "glossary [WORD]",
		Short: "Explain the words of the trade",
		Args:  atMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			found := []explained{}
			for _, d := range a.course.Glossary() {
				if len(args) == 0 || strings.Contains(strings.ToLower(d.Word), strings.ToLower(args[0])) {
					found = append(found, explained{d.Word, d.Means, d.Unit.ID})
				}
			}
			if len(found) == 0 && len(args) > 0 {
				return usagef("the glossary has no %q\n`grind glossary` shows all of it.", args[0])
			}
			if a.json {
				return a.printJSON(found)
			}
			width, terminal := a.terminal()
			if !terminal {
				width = 0
			}
			for _, e := range found {
				a.say("%s %s\n%s", a.palette().bold(e.Word), a.palette().soft("· "+e.Unit), fit("  "+e.Means, width))
			}
			return nil
		},
	})
}
