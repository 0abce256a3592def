package cli

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/redis-grind/grind/internal/picture"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

// termRenderer shows the events of a run as text.
type termRenderer struct {
	a   *app
	pal palette
	bar *progressBar

	width   int           // of the terminal, or COLUMNS; 0 when there is neither, and lines may be of any length
	figures []unit.Metric // that follow each other, to stand in one column
}

func newTermRenderer(a *app) *termRenderer {
	t := &termRenderer{a: a, pal: a.palette(), bar: newProgressBar(a), width: columnsEnv()}
	if width, terminal := a.terminal(); terminal {
		t.width = width
	}
	return t
}

func (t *termRenderer) done() {
	t.metrics()
	t.bar.clear()
}

func (t *termRenderer) line(format string, args ...any) {
	fmt.Fprintln(t.a.out, fit(fmt.Sprintf(format, args...), t.width))
}

func (t *termRenderer) event(e unit.Event) {
	if m, ok := e.(unit.Metric); ok {
		t.figures = append(t.figures, m)
		return
	}
	t.metrics()
	if p, ok := e.(unit.Progress); ok {
		t.bar.show(p)
		return
	}
	t.bar.clear()
	switch e := e.(type) {
	case unit.Start:
		t.line("\n%s", t.pal.bold(e.ID+" "+e.Title))
	case unit.Step:
		t.line("\n%s", e.Text)
	case unit.Table:
		t.table(e)
	case unit.Chart:
		t.line("\n%s", chartText(e, t.pal, t.inner()))
	case unit.Keys:
		t.keys(e)
	case unit.Film:
		t.film(e)
	case unit.Trace:
		t.trace(e)
	case unit.Race:
		t.race(e)
	case unit.Predict:
		t.line("\n%s\n  %s %s", e.Question, t.pal.bold(e.Choices[e.Right]+"."), e.Because)
	case unit.Checked:
		t.claim(e)
	case unit.Result:
		t.result(e)
	}
}

// metrics prints the figures that wait, as wide as the widest.
func (t *termRenderer) metrics() {
	if len(t.figures) == 0 {
		return
	}
	t.bar.clear()
	texts, width := make([]string, len(t.figures)), 14
	for i, m := range t.figures {
		texts[i] = unit.Figure(m.Value, m.Unit)
		width = max(width, lipgloss.Width(texts[i]))
	}
	for i, m := range t.figures {
		pad := strings.Repeat(" ", width-lipgloss.Width(texts[i]))
		lines := strings.Split(fit(m.Label, max(t.width-width-3, 0)), "\n")
		t.line("  %s%s %s", pad, t.pal.tone(m.Tone, texts[i]), lines[0])
		for _, more := range lines[1:] {
			t.line("  %s %s", strings.Repeat(" ", width), more)
		}
	}
	t.figures = nil
}

func (t *termRenderer) claim(c unit.Checked) {
	verdict := t.pal.bad("does not hold")
	switch {
	case c.OK:
		verdict = t.pal.good("holds")
	case c.Skipped:
		verdict = t.pal.soft("needs " + c.Lacks())
	}
	measured := fmt.Sprintf("(%s is %s, claimed %s %s)", c.Metric, unit.Figure(c.Value, c.Unit), c.Op, unit.Figure(c.Bound, c.Unit))
	if c.Skipped {
		measured = fmt.Sprintf("(%s was not measured)", c.Metric)
	}
	t.line("  %s: %s %s", c.Text, verdict, t.pal.soft(measured))
}

func (t *termRenderer) result(r unit.Result) {
	took := (time.Duration(r.Millis) * time.Millisecond).Round(10 * time.Millisecond)
	switch {
	case r.Error != "":
		t.line("\n%s %s", t.pal.bad("The run ended early:"), r.Error)
	case r.OK:
		t.line("\n%s %s", t.pal.good("All claims hold."), t.pal.soft(took.String()))
	default:
		t.line("\n%s %s", t.pal.bad("Not all claims hold at these parameters."), t.pal.soft(took.String()))
	}
}

func (t *termRenderer) table(e unit.Table) {
	t.line("\n%s", t.pal.bold(e.Title))
	for _, row := range columns(append([][]string{e.Columns}, e.Rows...), t.inner()) {
		t.line("  %s", row)
	}
}

// inner is the width of what is set in by two; 0 stays any.
func (t *termRenderer) inner() int { return max(t.width-2, 0) }

func (t *termRenderer) keys(e unit.Keys) {
	t.line("\n%s", t.pal.bold(e.Title))
	for _, k := range e.Keys {
		about := []string{k.Type}
		if k.Encoding != "" {
			about = append(about, k.Encoding)
		}
		if k.TTL >= 0 && k.Type != "none" {
			about = append(about, (time.Duration(k.TTL)*time.Millisecond).Round(time.Second).String()+" left")
		}
		t.line("  %s %s", k.Name, t.pal.soft(strings.Join(about, ", ")))
		for _, item := range k.Items {
			t.line("    %s", strings.TrimSpace(strings.Join([]string{item.Name, item.Value, item.Score}, "  ")))
		}
		if k.More > 0 {
			t.line("    %s", t.pal.soft(fmt.Sprintf("and %d more", k.More)))
		}
		for _, g := range k.Groups {
			t.line("    %s", groupLine(g))
		}
	}
}

// groupLine says how far a consumer group of a stream is.
func groupLine(g picture.Group) string {
	line := fmt.Sprintf("group %s: %d pending, last delivered %s", g.Name, g.Pending, g.Last)
	if g.Lag >= 0 { // -1: the server cannot tell
		line += fmt.Sprintf(", %d not delivered yet", g.Lag)
	}
	return line
}

func (t *termRenderer) trace(e unit.Trace) {
	t.line("\n%s %s", t.pal.bold("On the wire: "+e.Title), t.pal.soft("· "+counted(e.RoundTrips, "round trip")))
	for _, ev := range e.Events {
		if ev.Kind != trace.Command && ev.Kind != trace.Push {
			continue
		}
		after := ""
		if ev.Fault != "" {
			after = t.pal.bad("  " + ev.Fault)
		}
		line := ev.Line() // that of a push is all there is
		if ev.Kind == trace.Command {
			line = fmt.Sprintf("%-44s → %s", line, ev.Reply.Text)
		}
		t.line("  %s%s", line, after)
	}
	if e.Note != "" {
		t.line("  %s", t.pal.soft(e.Note))
	}
}

func (t *termRenderer) race(e unit.Race) {
	if e.Report != nil {
		t.explored(e.Title, e.Report)
	}
	if e.Outcome != nil {
		played := ""
		if e.Outcome.Schedule != "" {
			played = t.pal.soft(" · " + e.Outcome.Schedule)
		}
		t.line("\n%s%s", t.pal.bold("The race, stepped: "+e.Title), played)
		t.outcome(e.Outcome)
	}
}

func (t *termRenderer) explored(title string, r *race.Report) {
	t.line("\n%s: %s played (%s, %d with a crash, %d with a lost reply), %s.",
		t.pal.bold("Every order of "+title), counted(r.Played, "schedule"), counted(r.Orders, "order"), r.Crashes, r.Lost, t.failing(r.Failing))
	if r.Cut != "" {
		t.line("  %s", t.pal.bad(r.Cut))
	}
	if r.Shortest != nil {
		t.line("  the shortest that fails: %s", r.Shortest.Schedule)
		t.outcome(r.Shortest)
	}
}

func (t *termRenderer) failing(n int) string {
	if n == 0 {
		return t.pal.good("none fails")
	}
	if n == 1 {
		return t.pal.bad("1 fails")
	}
	return t.pal.bad(fmt.Sprintf("%d fail", n))
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// outcome draws the lanes of a race: one column an actor, time downwards.
func (t *termRenderer) outcome(o *race.Outcome) {
	rows := [][]string{append([]string{""}, o.Actors...)}
	for i, s := range o.Steps {
		row := make([]string, len(o.Actors)+1)
		row[0] = fmt.Sprint(i + 1)
		row[s.Actor+1] = stepText(s)
		rows = append(rows, row)
	}
	for _, row := range columns(rows, t.inner()) {
		t.line("  %s", row)
	}
	for i, next := range o.Next {
		if next != "" {
			t.line("  %s", t.pal.soft(fmt.Sprintf("next for %s: %s", o.Actors[i], next)))
		}
	}
	switch {
	case o.Violation != "":
		t.line("  %s", t.pal.bad(o.Violation))
	case o.Done:
		t.line("  %s", t.pal.good(o.Good))
	}
}

func stepText(s race.Step) string {
	switch s.Fault {
	case race.Crash:
		return "— crashed before " + s.Command + " —"
	case race.LostReply:
		return s.Command + " → " + s.Reply + " (reply lost)"
	}
	if s.Waits && s.Reply == "" {
		return s.Command + " waits"
	}
	return s.Command + " → " + s.Reply
}
