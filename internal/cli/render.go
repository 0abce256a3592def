package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/redis-grind/grind/internal/picture"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
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

// termRenderer shows the events of a run as text. On a terminal it keeps within
// its width; elsewhere lines are as long as they are.
type termRenderer struct {
	a     *app
	pal   palette
	bar   *progressBar
	width int // 0: no limit
}

func newTermRenderer(a *app) *termRenderer {
	t := &termRenderer{a: a, pal: a.palette(), bar: newProgressBar(a)}
	if width, terminal := a.terminal(); terminal {
		t.width = width
	}
	return t
}

func (t *termRenderer) done() { t.bar.clear() }

func (t *termRenderer) line(format string, args ...any) {
	fmt.Fprintf(t.a.out, format+"\n", args...)
}

// prose writes sentences, broken between words; what follows the first line
// stands under it.
func (t *termRenderer) prose(indent, text string) {
	if t.width > len(indent)+20 {
		text = lipgloss.Wrap(text, t.width-len(indent), "")
	}
	t.line("%s%s", indent, strings.ReplaceAll(text, "\n", "\n"+indent))
}

// cut ends a text that has no room with an ellipsis.
func (t *termRenderer) cut(text string, room int) string {
	runes := []rune(text)
	if room = max(room, 8); t.width == 0 || len(runes) <= room {
		return text
	}
	return string(runes[:room-1]) + "…"
}

func (t *termRenderer) event(e unit.Event) {
	if p, ok := e.(unit.Progress); ok {
		t.bar.show(p)
		return
	}
	t.bar.clear()
	switch e := e.(type) {
	case unit.Start:
		t.line("\n%s", t.pal.bold(e.ID+" "+e.Title))
	case unit.Step:
		t.line("")
		t.prose("", e.Text)
	case unit.Metric:
		t.line("  %s %s", t.pal.tone(e.Tone, fmt.Sprintf("%18s", unit.Figure(e.Value, e.Unit))), e.Label)
	case unit.Table:
		t.table(e)
	case unit.Chart:
		t.line("\n%s", chartText(e, t.pal, t.width))
	case unit.Keys:
		t.keys(e)
	case unit.Trace:
		t.trace(e)
	case unit.Race:
		t.race(e)
	case unit.Predict:
		t.line("")
		t.prose("", e.Question)
		t.prose("  ", t.pal.bold(e.Choices[e.Right]+".")+" "+e.Because)
	case unit.Checked:
		t.claim(e)
	case unit.Result:
		t.result(e)
	}
}

func (t *termRenderer) claim(c unit.Checked) {
	verdict := t.pal.bad("does not hold")
	switch {
	case c.OK:
		verdict = t.pal.good("holds")
	case c.Skipped:
		verdict = t.pal.soft("needs a real Redis")
	}
	t.prose("  ", fmt.Sprintf("%s: %s %s", c.Text, verdict, t.pal.soft(fmt.Sprintf("(%s is %s, claimed %s %s)", c.Metric, unit.Figure(c.Value, ""), c.Op, unit.Figure(c.Bound, "")))))
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
	for _, row := range columns(append([][]string{e.Columns}, e.Rows...)) {
		t.line("  %s", row)
	}
}

// columns aligns cells; a column whose cells are numbers aligns right.
func columns(rows [][]string) []string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	out := make([]string, len(rows))
	for r, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-lipgloss.Width(cell))
			if unit.Numeric(rows[1:], i) {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
			b.WriteString("  ")
		}
		out[r] = strings.TrimRight(b.String(), " ")
	}
	return out
}

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
			t.line("    %s", t.cut(strings.TrimSpace(strings.Join([]string{item.Name, item.Value, item.Score}, "  ")), t.width-4))
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
	trips := "round trips"
	if e.RoundTrips == 1 {
		trips = "round trip"
	}
	t.line("\n%s %s", t.pal.bold("On the wire: "+e.Title), t.pal.soft(fmt.Sprintf("· %d %s", e.RoundTrips, trips)))
	for _, ev := range e.Events {
		if ev.Kind != trace.Command && ev.Kind != trace.Push {
			continue
		}
		after := ""
		if ev.Fault != "" {
			after = "  " + ev.Fault
		}
		command := fmt.Sprintf("  %-44s", t.cut(ev.Line(), max(44, t.width*3/5)))
		reply := t.cut(ev.Reply.Text, t.width-lipgloss.Width(command+" → "+after))
		t.line("%s → %s%s", command, reply, t.pal.bad(after))
	}
	if e.Note != "" {
		t.prose("  ", t.pal.soft(e.Note))
	}
}

func (t *termRenderer) race(e unit.Race) {
	if e.Report != nil {
		t.explored(e.Title, e.Report)
	}
	if e.Outcome != nil {
		t.line("\n%s %s", t.pal.bold("The race, stepped: "+e.Title), t.pal.soft("· "+e.Outcome.Schedule))
		t.outcome(e.Outcome)
	}
}

func (t *termRenderer) explored(title string, r *race.Report) {
	t.line("")
	t.prose("", fmt.Sprintf("%s: %d schedules played (%s, %d with a crash, %d with a lost reply), %s.",
		t.pal.bold("Every order of "+title), r.Played, unit.Figure(float64(r.Orders), "orders"), r.Crashes, r.Lost, t.failing(r.Failing)))
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
	return t.pal.bad(fmt.Sprintf("%d fail", n))
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
	lanes := columns(rows)
	if t.width > 0 && slices.ContainsFunc(lanes, func(row string) bool { return lipgloss.Width(row)+2 > t.width }) {
		lanes = columns(inTurn(o))[1:] // too narrow for lanes side by side
	}
	for _, row := range lanes {
		t.line("  %s", t.cut(row, t.width-2))
	}
	for i, next := range o.Next {
		if next != "" {
			t.line("  %s", t.pal.soft(fmt.Sprintf("next for %s: %s", o.Actors[i], next)))
		}
	}
	switch {
	case o.Violation != "":
		t.prose("  ", t.pal.bad(o.Violation))
	case o.Done:
		t.prose("  ", t.pal.good(o.Good))
	}
}

// inTurn tells a race in one column, with the actor's name at each step.
func inTurn(o *race.Outcome) [][]string {
	rows := [][]string{{"", "", ""}} // the head
	for i, s := range o.Steps {
		rows = append(rows, []string{fmt.Sprint(i + 1), o.Actors[s.Actor], stepText(s)})
	}
	return rows
}

func stepText(s race.Step) string {
	switch s.Fault {
	case race.Crash:
		return "— crashed before " + s.Command + " —"
	case race.LostReply:
		return s.Command + " → " + s.Reply + " (reply lost)"
	}
	return s.Command + " → " + s.Reply
}

// progressBar appears when a step takes over a second, on a terminal only.
type progressBar struct {
	enabled bool
	label   string
	begun   time.Time
	bar     *progressbar.ProgressBar
	a       *app
}

func newProgressBar(a *app) *progressBar {
	f, ok := a.err.(*os.File)
	return &progressBar{a: a, enabled: ok && term.IsTerminal(int(f.Fd()))}
}

func (p *progressBar) show(e unit.Progress) {
	if !p.enabled {
		return
	}
	if e.Label != p.label {
		p.clear()
		p.label, p.begun = e.Label, time.Now()
	}
	if time.Since(p.begun) < time.Second && p.bar == nil {
		return
	}
	total := e.Total
	if total == 0 {
		total = -1 // unknown: a spinner
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.a.err), progressbar.OptionSetDescription("  "+e.Label),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
	}
	_ = p.bar.Set(e.Done) // a bar that cannot be drawn is no reason to stop
}

func (p *progressBar) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.bar, p.label = nil, ""
}
