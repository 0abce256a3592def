package cli

import (
	"bytes"
	"fmt"
	"os"

	"charm.land/glamour/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show UNIT",
		Short:             "Show a unit's text in the terminal",
		Args:              oneUnit,
		ValidArgsFunction: a.completeUnit,
		RunE: func(_ *cobra.Command, args []string) error {
			e, err := a.course.Find(args[0])
			if err != nil {
				return err
			}
			text, err := a.course.Lesson(e)
			if err != nil {
				return err
			}
			width, isTerminal := a.terminal()
			if !isTerminal { // a pipe or a file gets the text as it was written
				_, err = a.out.Write(text)
				return err
			}
			r, err := glamour.NewTermRenderer(glamour.WithEnvironmentConfig(), glamour.WithWordWrap(min(width, 90)))
			if err != nil {
				return fmt.Errorf("show %s: %w", e.Unit.ID, err)
			}
			// A tab has no width that a renderer could count with.
			out, err := r.RenderBytes(bytes.ReplaceAll(text, []byte("\t"), []byte("    ")))
			if err != nil {
				return fmt.Errorf("show %s: %w", e.Unit.ID, err)
			}
			_, err = a.out.Write(out)
			return err
		},
	}
}

// terminal says how wide the terminal is, and whether the output is one.
func (a *app) terminal() (width int, ok bool) {
	out := a.out
	if raw, ok := out.(crlf); ok {
		out = raw.to
	}
	f, isFile := out.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 80, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	return width, true
}
