package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
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

// termRenderer shows the events of a run as text.
type termRenderer struct {
	a   *app
	pal palette
	bar *progressBar

	width int // of the terminal; 0 when there is none, and lines may be of any length
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
	fmt.Fprintln(t.a.out, fit(fmt.Sprintf(format, args...), t.width))
}

// fit breaks lines at words where the terminal ends, as far in as they began; a
// width of 0 breaks none.
func fit(text string, width int) string {
	if width == 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if lipgloss.Width(l) <= width {
			continue
		}
		words := strings.TrimLeft(l, " ")
		margin := strings.Repeat(" ", min(len(l)-len(words), width/2))
		lines[i] = margin + strings.ReplaceAll(lipgloss.Wrap(words, width-len(margin), ""), "\n", "\n"+margin)
	}
	return strings.Join(lines, "\n")
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
		t.line("\n%s", e.Text)
	case unit.Metric:
		t.line("  %s %s", t.pal.tone(e.Tone, fmt.Sprintf("%14s", unit.Figure(e.Value, e.Unit))), e.Label)
	case unit.Table:
		t.table(e)
	case unit.Chart:
		t.line("\n%s", chartText(e, t.pal, t.inner()))
	case unit.Keys:
		t.keys(e)
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

func (t *termRenderer) claim(c unit.Checked) {
	verdict := t.pal.bad("does not hold")
	switch {
	case c.OK:
		verdict = t.pal.good("holds")
	case c.Skipped:
		verdict = t.pal.soft("needs a real Redis")
	}
	measured := fmt.Sprintf("(%s is %s, claimed %s %s)", c.Metric, unit.Figure(c.Value, ""), c.Op, unit.Figure(c.Bound, ""))
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

// gap is what stands between two columns, and narrow what a column is not made
// narrower than.
const (
	gap    = "  "
	narrow = 12
)

// columns aligns cells; a column whose cells are numbers aligns right. Where the
// rows are wider than width, cells of the widest columns take several lines; a
// width of 0 is any.
func columns(rows [][]string, width int) []string {
	widths := columnWidths(rows, width)
	var out []string
	for _, row := range rows {
		cells := make([][]string, len(row))
		height := 1
		for i, cell := range row {
			cells[i] = strings.Split(fit(cell, widths[i]), "\n")
			height = max(height, len(cells[i]))
		}
		for n := range height {
			var b strings.Builder
			for i := range row {
				part := ""
				if n < len(cells[i]) {
					part = cells[i][n]
				}
				pad := strings.Repeat(" ", max(widths[i]-lipgloss.Width(part), 0))
				if unit.Numeric(rows[1:], i) {
					b.WriteString(pad + part + gap)
				} else {
					b.WriteString(part + pad + gap)
				}
			}
			out = append(out, strings.TrimRight(b.String(), " "))
		}
	}
	return out
}

// columnWidths are as wide as the cells, and where that is too wide together, the
// widest give way.
func columnWidths(rows [][]string, width int) []int {
	widths := make([]int, len(rows[0]))
	total := 0
	for _, row := range rows {
		for i, cell := range row {
			grown := max(widths[i], lipgloss.Width(cell))
			total, widths[i] = total+grown-widths[i], grown
		}
	}
	for total += len(gap) * (len(widths) - 1); width > 0 && total > width; total-- {
		widest := slices.Index(widths, slices.Max(widths))
		if widths[widest] <= narrow {
			break
		}
		widths[widest]--
	}
	return widths
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
			progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), countOf(total))
	}
	_ = p.bar.Set(e.Done) // a bar that cannot be drawn is no reason to stop
}

// countOf shows how many of how many; of an unknown number there is no count.
func countOf(total int) progressbar.Option {
	if total < 0 {
		return progressbar.OptionSetSpinnerChangeInterval(0) // each call of show turns it
	}
	return progressbar.OptionShowCount()
}

// waiting shows that something is under way, until the returned function is
// called.
func (a *app) waiting(label string) (stop func()) {
	bar := newProgressBar(a)
	if !bar.enabled {
		return func() {}
	}
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		defer bar.clear()
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			bar.show(unit.Progress{Label: label, Done: n})
			select {
			case <-tick.C:
			case <-ended:
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(ended); <-gone })
}

func (p *progressBar) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.bar, p.label = nil, ""
}
