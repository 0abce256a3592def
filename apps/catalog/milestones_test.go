package catalog_test

import (
	"os"
	"testing"
	"time"

	project "github.com/redis-grind/grind/course/09-projects/01-catalog"
	engine "github.com/redis-grind/grind/internal/project"
	"github.com/redis-grind/grind/internal/unit/check"
)

// TestMilestones drives two instances, each a process of its own, through what a
// learner's catalog must do, with grind's Redis and warehouse behind them.
func TestMilestones(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	report, err := project.Project.Check(t.Context(), engine.Options{
		Program: []string{exe, instance}, Redis: "127.0.0.1:0", Origin: "127.0.0.1:0",
		Begun: func(m engine.Milestone) { t.Logf("%5.1f s  %s", time.Since(begun).Seconds(), m.ID) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range report.Tests {
		if m.Status != check.Pass {
			t.Errorf("milestone %s: %s\n%s", m.Task, m.Message, report.Printed)
		}
	}
	if _, all := project.Project.Open(); len(report.Tests) != len(all) {
		t.Errorf("got %d milestones, want %d", len(report.Tests), len(all))
	}
}
