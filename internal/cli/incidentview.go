package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"github.com/redis-grind/grind/internal/incident"
	"github.com/redis-grind/grind/internal/unit"
)

// incidentView shows what an incident tells.
type incidentView interface {
	event(incident.Event)
	end(over bool)
}

func (a *app) incidentView(e unit.IncidentEntry, file string) incidentView {
	if a.json {
		return jsonIncident{a}
	}
	width, terminal := a.terminal()
	v := &textIncident{app: a, pal: a.palette(), file: file, redraw: terminal, lights: map[string]string{}}
	lead := e.Incident.Lead
	if terminal {
		lead = fit(lead, width)
	}
	a.say("%s\n%s\n", v.pal.bold(e.Incident.Title), lead)
	return v
}

// jsonIncident writes one event a line.
type jsonIncident struct{ a *app }

func (j jsonIncident) event(e incident.Event) {
	line, err := unit.Marshal(e)
	if err != nil { // an event that cannot be told is a mistake in this program
		panic(fmt.Sprintf("marshal a %s event: %v", e.Type(), err))
	}
	fmt.Fprintln(j.a.out, string(line))
}

func (jsonIncident) end(bool) {}

// textIncident draws the dashboard over and over on a terminal; elsewhere it
// writes a line when something changes.
type textIncident struct {
	*app
	pal    palette
	file   string
	redraw bool
	lines  int // that the last drawing took
	lights map[string]string
	state  incident.State
	status incident.Status
	wire   incident.Wire
}

func (v *textIncident) event(e incident.Event) {
	switch e := e.(type) {
	case incident.State:
		v.state = e
		if !v.redraw {
			v.say("%s", v.stateLine())
		}
	case incident.Status:
		v.status = e
		if !v.redraw {
			v.changes()
		}
	case incident.Wire:
		v.wire = e
	case incident.Done:
		defer v.say("\n%s %s", v.pal.good("It is over: every fact was green for five seconds."),
			v.pal.soft(fmt.Sprintf("%v, %d versions", (time.Duration(e.Millis)*time.Millisecond).Round(time.Second), e.Deployments)))
	}
	if v.redraw {
		v.draw()
	}
}

func (v *textIncident) end(over bool) {
	if !over {
		v.say("\n%s `grind incident` goes on where you are: the file stays.", v.pal.bad("It is not over yet."))
	}
}

// changes writes a line for each fact whose light has changed.
func (v *textIncident) changes() {
	for _, f := range v.status.Facts {
		if now := string(f.Light); v.lights[f.ID] != now {
			v.lights[f.ID] = now
			v.say("%s", v.factLine(f))
		}
	}
}

func (v *textIncident) light(f incident.Fact) string {
	switch f.Light {
	case incident.Green:
		return v.pal.good("● green   ")
	case incident.Red:
		return v.pal.bad("● red     ")
	}
	return v.pal.soft("○ watching")
}

func (v *textIncident) factLine(f incident.Fact) string {
	return fmt.Sprintf("%s  %s: %s", v.light(f), f.Title, f.Text)
}

func (v *textIncident) stateLine() string {
	words := strings.ReplaceAll(v.state.Text, "\n", "\n  ")
	switch v.state.Phase {
	case incident.Refused:
		said := "It does not compile; what ran before goes on."
		if v.state.Deployment == 0 {
			said = "It does not compile."
		}
		return v.pal.bad(said) + "\n  " + words
	case incident.Crashed, incident.Failed:
		return v.pal.bad(words)
	}
	return v.pal.soft(words)
}

// draw puts the dashboard where the last one was.
func (v *textIncident) draw() {
	width, _ := v.terminal()
	v.put(v.drawing(width-1, v.height()), width)
}

// drawing is the dashboard for a terminal. What is said of the facts is broken at
// words; commands, of which put cuts what is too wide, take the lines that are left.
func (v *textIncident) drawing(width, height int) string {
	var b strings.Builder
	for _, f := range v.status.Facts {
		fmt.Fprintf(&b, "%s  %s  %s\n", v.light(f), v.pal.bold(f.Title), v.pal.soft(sparkText(f.History)))
		fmt.Fprintf(&b, "%s\n", fit("            "+f.Text, width))
	}
	fmt.Fprintln(&b)
	foot := fmt.Sprintf("\n%s\n%s\n", v.pal.soft(fit("Mend and save "+v.file+" · Ctrl-C ends", width)), fit(v.stateLine(), width))
	rows := height - strings.Count(b.String()+foot, "\n") - 2
	for _, s := range v.wire.Sorts {
		each := rows/len(v.wire.Sorts) - 1
		if each < 1 {
			break // a terminal this low has room for the facts alone
		}
		fmt.Fprintf(&b, "%s\n", v.pal.bold(s.Name))
		for _, e := range s.Events[max(0, len(s.Events)-each):] {
			_, number, _ := strings.Cut(e.Label.Request, "#")
			fmt.Fprintf(&b, "  %-16s %8s  %s → %s\n", e.Label.Actor+" #"+number, unit.Figure(float64(e.Duration.Microseconds())/1000, "ms"), e.Line(), strings.TrimSpace(e.Reply.Text+" "+v.pal.bad(e.Fault)))
		}
	}
	return b.String() + foot
}

// height is that of the terminal, in lines.
func (v *textIncident) height() int {
	if f, ok := v.out.(*os.File); ok {
		if _, height, err := term.GetSize(int(f.Fd())); err == nil && height > 0 {
			return height
		}
	}
	return 24
}

// put writes text over what was written last, each line cut to the terminal.
func (v *textIncident) put(text string, width int) {
	var b strings.Builder
	if v.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", v.lines)
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for _, l := range lines {
		b.WriteString(lipgloss.NewStyle().MaxWidth(width - 1).Inline(true).Render(l))
		b.WriteString("\n")
	}
	v.lines = len(lines)
	fmt.Fprint(v.out, b.String())
}

// sparkText draws the last values as a row of blocks.
func sparkText(history []incident.Point) string {
	const blocks = "▁▂▃▄▅▆▇█"
	most := 0.0
	history = history[max(0, len(history)-30):]
	for _, p := range history {
		most = max(most, p.Value)
	}
	var b strings.Builder
	for _, p := range history {
		at := 0
		if most > 0 {
			at = int(p.Value / most * 7)
		}
		b.WriteString(string([]rune(blocks)[at]))
	}
	return b.String()
}
