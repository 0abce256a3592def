package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis-grind/grind/internal/picture"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/trace"
	"github.com/redis-grind/grind/internal/unit"
)

var update = flag.Bool("update", false, "write the golden texts anew")

// drawn are events of each type, with what is special about its drawing.
var drawn = map[string][]unit.Event{
	"text": {
		unit.Start{ID: "1.01", Title: "Key-value and atomic counters"},
		unit.Step{Text: "Fifty people like the same photo at once, and each of them reads the counter, adds one and writes it back."},
		unit.Metric{Label: "likes lost", Value: 1234, Tone: unit.Bad},
		unit.Metric{Label: "a call", Value: 1, Unit: "round trips"},
		unit.Metric{Label: "INCR", Value: 0.0421, Unit: "ms"},
		unit.Step{Text: "Figures that are wide have a wide column."},
		unit.Metric{Label: "in all", Value: 1_234_567, Unit: "round trips"},
		unit.Metric{Label: "and this is a label that a narrow terminal breaks at the end of its line", Value: 2},
	},
	"table": {unit.Table{Title: "Two ways to count", Columns: []string{"way", "lost", "what the program is told"}, Rows: [][]string{
		{"GET, SET", "1,204", "OK, and that is not true: somebody else wrote in between, and nobody notices"},
		{"INCR", "0", "the new number"},
		{"größer", "–", "a cell with wide letters"},
	}}},
	"bars": {
		unit.Chart{Kind: unit.Bars, Title: "Likes counted", Unit: "likes", Mark: &unit.Mark{Label: "given", Value: 10_000},
			Series: []unit.Series{{Points: []unit.Point{{Label: "GET, SET", Y: 3210}, {Label: "INCR", Y: 10_000}, {Label: "a trace", Y: 1}, {Label: "none"}}}}},
		unit.Chart{Kind: unit.Bars, Title: "Two series", Series: []unit.Series{
			{Name: "before", Points: []unit.Point{{Label: "Mon", Y: 2}}}, {Name: "after", Points: []unit.Point{{Label: "Mon", Y: 4}}}}},
		unit.Chart{Kind: unit.Bars, Title: "By its logarithm", Unit: "µs", LogY: true, Series: []unit.Series{
			{Points: []unit.Point{{Label: "one read", Y: 10}, {Label: "a hundred", Y: 1000}, {Label: "a table", Y: 100_000}, {Label: "none"}}}}},
		unit.Chart{Kind: unit.Bars, Title: "Nothing", Series: []unit.Series{{Points: []unit.Point{{Label: "zero"}}}}},
	},
	"lines": {unit.Chart{Kind: unit.Lines, Title: "Over time", Unit: "ops/s", XLabel: "clients", Series: []unit.Series{
		{Name: "one", Points: []unit.Point{{X: 1, Y: 0}, {X: 4, Y: 50}, {X: 16, Y: 100}}},
		{Name: "another", Points: []unit.Point{{X: 1, Y: 100}}},
		{Name: "empty"},
	}}, unit.Chart{Kind: unit.Lines, Title: "As the board grows", Unit: "µs", XLabel: "players", LogX: true, LogY: true, Series: []unit.Series{
		{Name: "sorting", Points: []unit.Point{{X: 1000, Y: 500}, {X: 10_000, Y: 6000}, {X: 100_000, Y: 93_000}}},
		{Name: "ZREVRANK", Points: []unit.Point{{X: 1000, Y: 1.4}, {X: 10_000, Y: 2.6}, {X: 100_000, Y: 5}}},
	}}},
	"lanes": {unit.Chart{Kind: unit.Lanes, Title: "Who is at work", Series: []unit.Series{
		{Name: "Lea", Points: []unit.Point{{X: 0, Y: 5}, {X: 8, Y: 2}}},
		{Name: "Ben", Points: []unit.Point{{X: 5, Y: 3}}},
	}}},
	"heat": {unit.Chart{Kind: unit.Heat, Title: "Slots", Series: []unit.Series{{Name: "a", Points: []unit.Point{{}, {Y: 1}, {Y: 2}, {Y: 3}, {Y: 4}}}}}},
	"keys": {unit.Keys{Title: "What is there", Keys: []picture.Key{
		{Name: "likes:42", Type: "string", Encoding: "int", TTL: 61_000, Items: []picture.Item{{Value: "7"}}},
		{Name: "gone", Type: "none", TTL: -1},
		{Name: "board", Type: "zset", TTL: -1, Items: []picture.Item{{Name: "0", Value: "ann", Score: "3"}}, More: 9},
		{Name: "mail", Type: "stream", TTL: -1, Groups: []picture.Group{{Name: "desk", Pending: 2, Last: "3-0", Lag: 1}}},
	}}},
	"film": {
		unit.Film{Title: "Two holds run down", Frames: []unit.Frame{
			{Caption: "Both are set.", Keys: []picture.Key{hold("1a", 200), hold("1b", 400)}},
			{Caption: "Nobody does anything.", Millis: 100, Keys: []picture.Key{hold("1a", 100), hold("1b", 300)}},
			{Caption: "1a is gone, and 1b stays.", Millis: 210, Keys: []picture.Key{{Name: "1a", Type: "none", TTL: -1}, hold("1b", -1)}},
			{Caption: "So they are.", Millis: 310, Keys: []picture.Key{{Name: "1a", Type: "none", TTL: -1}, hold("1b", -1)}},
		}},
		unit.Film{Title: "A board", Frames: []unit.Frame{
			{Caption: "Before.", Keys: []picture.Key{board("wanda", "7200", "zoe", "7700", "otto", "8400")}},
			{Caption: "ZADD board GT 8700 zoe → 0.", Keys: []picture.Key{board("wanda", "7200", "otto", "8400", "zoe", "8700")}},
			{Caption: "ZADD board GT 8000 zoe → 0.", Keys: []picture.Key{board("wanda", "7200", "otto", "8400", "zoe", "8700")}},
			{Caption: "ZREM board wanda → 1.", Keys: []picture.Key{board("otto", "8400", "zoe", "8700")}},
		}},
		unit.Film{Title: "Who hears", Frames: []unit.Frame{
			{Caption: "Both listen.", Rows: []unit.Row{{Name: "hall", Note: "listens", Cells: make([]unit.Cell, 2)}, {Name: "platform", Note: "listens", Cells: make([]unit.Cell, 2)}}},
			{Caption: "PUBLISH late → 1.", Rows: []unit.Row{
				{Name: "hall", Note: "listens", Cells: []unit.Cell{{Text: "late", Mark: unit.New}, {}}},
				{Name: "platform", Note: "away", Cells: []unit.Cell{{Text: "missed", Mark: unit.Wrong}, {}}}}},
			{Caption: "The platform listens again.", Rows: []unit.Row{
				{Name: "hall", Note: "listens", Cells: []unit.Cell{{Text: "late", Mark: unit.Old}, {}}},
				{Name: "platform", Note: "listens", Cells: []unit.Cell{{Text: "missed", Mark: unit.Wrong}, {Text: "soon"}}}}},
			{Caption: "A row of one.", Rows: []unit.Row{{Name: "hall", Note: "listens", Cells: []unit.Cell{{Text: "late", Mark: unit.Old}}}}},
		}},
	},
	"trace": {unit.Trace{Title: "a payment", RoundTrips: 1, Note: "Nothing came back.", Events: []trace.Event{
		{Kind: trace.Open},
		{Kind: trace.Handshake, Name: "HELLO"},
		{Kind: trace.Command, Name: "SET", Args: []string{"greeting", "hello world"}, Reply: trace.Reply{Type: "simple", Text: "OK"}},
		{Kind: trace.Command, Name: "INCR", Args: []string{"likes:42"}, Reply: trace.Reply{Type: "integer", Text: "2"}, Fault: "reply lost"},
		{Kind: trace.Command, Name: "EVALSHA", Args: []string{"82acde6c54c28d5e3136bc921764202eec348442", "2", "cash:club", "cash:coach", "80"}, Reply: trace.Reply{Type: "integer", Text: "1"}},
		{Kind: trace.Push, Reply: trace.Reply{Type: "push", Text: `["message", "news", "hello"]`}},
	}}},
	"race": {
		unit.Race{Title: "GET, then SET", Outcome: &race.Outcome{Schedule: "A B A!", Actors: []string{"alice", "bob"}, Done: true, Violation: "Two likes were given, one is counted.",
			Steps: []race.Step{
				{Command: "GET likes:42", Reply: `"0"`},
				{Move: race.Move{Actor: 1, Fault: race.LostReply}, Command: "INCR likes:42", Reply: "1"},
				{Move: race.Move{Fault: race.Crash}, Command: "SET likes:42 1"},
			}, Next: []string{"", ""}, Ends: []string{"crashed", "i/o timeout"}}},
		unit.Race{Title: "waiting", Outcome: &race.Outcome{Actors: []string{"waiter", "cook"}, Next: []string{"", "LPUSH plates pizza"}, Ends: []string{"waits in Redis", ""},
			Steps: []race.Step{{Command: "BLPOP plates 0", Waits: true}}}},
		unit.Race{Title: "INCR", Report: &race.Report{Played: 1, Orders: 1}},
		unit.Race{Title: "GET, then SET", Report: &race.Report{Played: 9, Orders: 6, Crashes: 2, Lost: 1, Failing: 1, Cut: "The rest was left out: there are more than 1,000.",
			Shortest: &race.Outcome{Schedule: "A B", Actors: []string{"a", "b"}, Done: true, Good: "All is well.",
				Steps: []race.Step{{Command: "INCR n", Reply: "1"}, {Move: race.Move{Actor: 1}, Command: "INCR n", Reply: "2"}}, Next: []string{"", ""}}}},
	},
	"end": {
		unit.Predict{Question: "How many are lost?", Choices: []string{"none", "some"}, Right: 1, Because: "1,204 of them."},
		unit.Checked{Text: "GET and SET lose likes", Metric: "lost", Op: ">", Value: 1204, OK: true},
		unit.Checked{Text: "INCR loses none", Metric: "lost_incr", Op: "==", Value: 3},
		unit.Checked{Text: "a place costs little", Metric: "us_rank", Op: "<", Bound: 28.1, Value: 5.04, Unit: "µs", OK: true},
		unit.Checked{Text: "INCR is faster", Metric: "rate", Op: ">", Skipped: true},
		unit.Result{OK: true, Millis: 2084},
		unit.Result{Millis: 2084},
		unit.Result{Error: "the run was stopped"},
	},
}

// hold is a key with so many milliseconds left.
func hold(name string, left int64) picture.Key {
	return picture.Key{Name: name, Type: "string", TTL: left, Length: 4, Items: []picture.Item{{Value: "otto"}}}
}

// board is a sorted set of members and their scores, in their order.
func board(pairs ...string) picture.Key {
	k := picture.Key{Name: "board", Type: "zset", TTL: -1, Length: int64(len(pairs) / 2)}
	for i := 0; i < len(pairs); i += 2 {
		k.Items = append(k.Items, picture.Item{Name: strconv.Itoa(i / 2), Value: pairs[i], Score: pairs[i+1]})
	}
	return k
}

// TestTermRenderer: what a person sees, in a file or a pipe and on a narrow
// terminal; testdata shows it.
func TestTermRenderer(t *testing.T) {
	t.Parallel()
	for name, events := range drawn {
		for width, ending := range map[int]string{0: ".txt", 60: ".60.txt"} {
			t.Run(name+ending, func(t *testing.T) {
				t.Parallel()
				var out bytes.Buffer
				r := newTermRenderer(&app{out: &out})
				r.width = width
				for _, e := range events {
					r.event(e)
				}
				r.done()
				golden(t, name+ending, out.String())
			})
		}
	}
}

// golden compares a text with the file of this name, or writes that.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s\nIf it is right: go test ./internal/cli -update", name, got, want)
	}
}

// TestFit: no line is wider than the terminal, nothing is lost, and lines go on as
// far in as they began.
func TestFit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"  a line that is as it is", 0, "  a line that is as it is"},
		{"  one two three", 9, "  one two\n  three"},
		{"short\n  one two three", 9, "short\n  one two\n  three"},
		{"abcdefghij", 4, "abcd\nefgh\nij"},
		{"", 10, ""},
	} {
		if got := fit(tt.text, tt.width); got != tt.want {
			t.Errorf("fit(%q, %d): got %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestColumns_narrow(t *testing.T) {
	t.Parallel()
	rows := [][]string{{"", "alice", "bob"}, {"1", "GET likes:42 and so on and on", ""}, {"2", "", "SET likes:42 1 and a long tail of it"}}
	for _, width := range []int{40, 60} {
		for _, line := range columns(rows, width) {
			if n := len(line); n > width {
				t.Errorf("width %d: got a line of %d: %q", width, n, line)
			}
		}
	}
	wide := strings.Join(columns(rows, 0), "\n")
	for _, row := range rows {
		for _, cell := range row {
			if !strings.Contains(wide, cell) {
				t.Errorf("any width: %q is broken:\n%s", cell, wide)
			}
		}
	}
}

// A line has a cell for each place across: points stand where their X is, the way
// between two is drawn, and a peak is never lost.
func TestLevels(t *testing.T) {
	t.Parallel()
	many := make([]unit.Point, 90)
	for i := range many {
		many[i].X = float64(i)
	}
	many[45].Y = 7
	for name, tt := range map[string]struct {
		points []unit.Point
		x, y   scale
		want   map[int]rune // by cell
	}{
		"peak":        {many, scale{high: 89}, scale{high: 7}, map[int]rune{0: '▁', 20: '█', 39: '▁'}},
		"between":     {[]unit.Point{{X: 0, Y: 0}, {X: 39, Y: 8}}, scale{high: 39}, scale{high: 8}, map[int]rune{0: '▁', 20: '▅', 39: '█'}},
		"log across":  {[]unit.Point{{X: 1, Y: 0}, {X: 10, Y: 8}, {X: 100, Y: 8}}, scale{1, 100, true}, scale{high: 8}, map[int]rune{10: '▅', 20: '█', 39: '█'}},
		"log upright": {[]unit.Point{{X: 0, Y: 1}, {X: 1, Y: 100}, {X: 2, Y: 10_000}}, scale{high: 2}, scale{1, 10_000, true}, map[int]rune{0: '▁', 20: '▅', 39: '█'}},
		"elsewhere":   {[]unit.Point{{X: 5, Y: 1}}, scale{high: 10}, scale{high: 1}, map[int]rune{19: ' ', 20: '█', 21: ' '}},
	} {
		got := []rune(levels(tt.points, tt.x, tt.y))
		if len(got) != chartWidth {
			t.Errorf("%s: got %d cells, want %d", name, len(got), chartWidth)
			continue
		}
		for cell, want := range tt.want {
			if got[cell] != want {
				t.Errorf("%s: cell %d: got %q, want %q, in %q", name, cell, got[cell], want, string(got))
			}
		}
	}
}
