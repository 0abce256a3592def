package cli

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

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
	_, terminal := a.terminal()
	v := &textIncident{app: a, pal: a.palette(), file: file, redraw: terminal, lights: map[string]string{}}
	a.say("%s\n%s\n", v.pal.bold(e.Incident.Title), e.Incident.Lead)
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
		return v.pal.bad("It does not compile; what ran before goes on.") + "\n  " + words
	case incident.Crashed, incident.Failed:
		return v.pal.bad(words)
	}
	return v.pal.soft(words)
}

// draw puts the dashboard where the last one was.
func (v *textIncident) draw() {
	width, _ := v.terminal()
	var b strings.Builder
	for _, f := range v.status.Facts {
		fmt.Fprintf(&b, "%s  %s  %s\n", v.light(f), v.pal.bold(f.Title), v.pal.soft(sparkText(f.History)))
		fmt.Fprintf(&b, "            %s\n", f.Text)
	}
	fmt.Fprintln(&b)
	for _, s := range v.wire.Sorts {
		fmt.Fprintf(&b, "%s\n", v.pal.bold("On the wire for "+s.Name))
		for _, e := range s.Events[max(0, len(s.Events)-6):] {
			fmt.Fprintf(&b, "  %-32s %7s  %s → %s\n", strings.TrimSpace(e.Label.Request+" "+e.Label.Actor), unit.Figure(float64(e.Duration.Microseconds())/1000, "ms"), e.Line(), e.Reply.Text)
		}
	}
	fmt.Fprintf(&b, "\n%s\n%s\n", v.pal.soft("Mend and save "+v.file+" · Ctrl-C ends"), v.stateLine())
	v.put(b.String(), width)
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
