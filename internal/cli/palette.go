package cli

import (
	"os"

	"charm.land/lipgloss/v2"

	"github.com/redis-grind/grind/internal/unit"
)

// palette colours words. Without a terminal, or with NO_COLOR, it leaves them as
// they are.
type palette struct{ on bool }

func (a *app) palette() palette {
	_, terminal := a.terminal()
	return palette{terminal && os.Getenv("NO_COLOR") == ""}
}

func (p palette) paint(colour string, s string) string {
	if !p.on {
		return s
	}
	return lipgloss.NewStyle().Foreground(lipgloss.Color(colour)).Render(s)
}

func (p palette) good(s string) string { return p.paint("2", s) }
func (p palette) bad(s string) string  { return p.paint("1", s) }
func (p palette) soft(s string) string { return p.paint("8", s) }

func (p palette) bold(s string) string {
	if !p.on {
		return s
	}
	return lipgloss.NewStyle().Bold(true).Render(s)
}

func (p palette) tone(t unit.Tone, s string) string {
	switch t {
	case unit.Good:
		return p.good(s)
	case unit.Bad:
		return p.bad(s)
	}
	return s
}
