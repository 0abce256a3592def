package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/check"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

// What a pass does not cover is said beside it.
func TestPrintReport_note(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{out: &out}
	a.printReport(unit.Entry{Unit: &unit.Unit{ID: "1.05"}}, &exercise.Report{Status: check.Pass, Tests: []exercise.Test{
		{Name: "pays once", Status: check.Pass, Note: "no order is wrong, though not all were judged: it was cut after 8s"},
	}})
	if want := "  pass   pays once\n         no order is wrong, though not all were judged: it was cut after 8s\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got\n%s\nwant it to hold\n%s", out.String(), want)
	}
}
