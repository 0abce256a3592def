package cli

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"charm.land/glamour/v2"
	"charm.land/lipgloss/v2"
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
			width = min(width, 90)
			r, err := glamour.NewTermRenderer(glamour.WithEnvironmentConfig(), glamour.WithWordWrap(width))
			if err != nil {
				return fmt.Errorf("show %s: %w", e.Unit.ID, err)
			}
			// A tab has no width that a renderer could count with.
			out, err := r.RenderBytes([]byte(foldCode(strings.ReplaceAll(string(text), "\t", "    "), width-6)))
			if err != nil {
				return fmt.Errorf("show %s: %w", e.Unit.ID, err)
			}
			_, err = a.out.Write(out)
			return err
		},
	}
}

// foldCode breaks the lines of fences that are wider than width, and sets what
// follows further in: the renderer would begin it at the margin.
func foldCode(text string, width int) string {
	lines := strings.Split(text, "\n")
	inside := false
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = !inside
		case inside && lipgloss.Width(line) > width:
			lines[i] = strings.ReplaceAll(fit(line, width-4), "\n", "\n    ")
		}
	}
	return strings.Join(lines, "\n")
}

// columnsEnv is how wide lines may be where the output is no terminal, as a script
// says by COLUMNS; 0 is any.
func columnsEnv() int {
	width, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || width < narrowest {
		return 0
	}
	return width
}

// narrowest is the least that a terminal or COLUMNS is taken to be.
const narrowest = 20

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
	if err != nil || width < narrowest {
		width = 80
	}
	return width, true
}
