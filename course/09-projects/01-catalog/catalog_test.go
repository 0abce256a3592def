package catalog

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-grind/grind/internal/project/projecttest"
	"github.com/redis-grind/grind/internal/unit/unittest"
)

func TestClaims(t *testing.T) { unittest.Claims(t, &Unit) }

func TestLesson(t *testing.T) { unittest.Lesson(t, &Unit) }

// reference is the application that was written from contract.yaml alone.
func reference(t *testing.T) projecttest.Program {
	python := projecttest.Python(t, "fastapi", "uvicorn", "httpx", "redis.asyncio")
	return projecttest.Program{Dir: "reference-fastapi", Argv: []string{python, "main.py"}}
}

// TestReference: the contract can be kept, by who has nothing else.
func TestReference(t *testing.T) {
	t.Parallel()
	projecttest.Passes(t, &Project, reference(t), "")
}

// TestVariants: what is wrong is found, at the milestone meant for it.
func TestVariants(t *testing.T) {
	t.Parallel()
	projecttest.Variants(t, &Project, reference(t))
}

// TestContract: the milestones and their figures are those that the contract names.
func TestContract(t *testing.T) {
	c := projecttest.ReadContract(t, "contract.yaml")
	var ids []string
	for _, m := range Milestones(NewWarehouse(products)) {
		ids = append(ids, m.ID)
	}
	if !slices.Equal(ids, c.Milestones) {
		t.Errorf("milestones: got %v, and the contract has %v", ids, c.Milestones)
	}
	ms := func(d time.Duration) int { return int(d.Milliseconds()) }
	bounds := map[string]map[string]int{
		"api":      {},
		"cached":   {"reads": cachedReads, "origin_calls": 1, "commands_per_read": readCommands, "commands_beside": spareCommands},
		"stampede": {"readers": stampedeReaders, "origin_calls": 1, "origin_ms": ms(stampedeSlow), "wait_ms": ms(stampedeLimit)},
		"follow":   {"other_instance_ms": ms(followLimit)},
		"refill":   {"other_instance_ms": ms(followLimit)},
		"unknown":  {"reads": unknownReads, "origin_calls": unknownCalls},
		"origin":   {"cached_ms": ms(cachedLimit), "refuse_ms": ms(refuseLimit), "recovery_ms": ms(recovery)},
		"outage": {
			"answer_ms": ms(worstAnswer), "origin_in_flight_per_instance": originBound,
			"burst": burstReaders, "change_ms": ms(changeLimit), "recovery_ms": ms(recovery),
		},
		"tidy": {"longest_life_hours": int(longestLife.Hours())},
	}
	if diff := cmp.Diff(bounds, c.Bounds); diff != "" {
		t.Errorf("bounds (-milestones +contract):\n%s", diff)
	}
}

// TestStarters: a learner begins with something that runs, and that is not yet what
// is asked for: the first milestone tells what it lacks.
func TestStarters(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "catalog")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir = "starter-go"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	for _, app := range []projecttest.Program{
		{Dir: "starter-go", Argv: []string{binary}},
		{Dir: "starter-fastapi", Argv: reference(t).Argv},
	} {
		report, _ := projecttest.Check(t, &Project, app, "")
		if len(report.Tests) != 1 || !strings.Contains(report.Tests[0].Message, `/price {"price_cents":-1}: got 200, want 422`) {
			t.Errorf("%s: got %+v, want it to come up, and to be told of a price below zero", app.Dir, report)
		}
	}
}
