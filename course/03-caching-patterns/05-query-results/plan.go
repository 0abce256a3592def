package seeds

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis-grind/grind/internal/unit"
)

// plan is what the database intends to do for a question, a line for each step. In
// PostgreSQL it has done it too, and says how many rows it looked at.
func (l *library) plan(ctx context.Context, text string, args ...any) ([]string, error) {
	explain, column := `EXPLAIN QUERY PLAN `, 3
	if l.name == "postgres" {
		explain, column = `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) `, 0
	}
	found, err := l.read(ctx, l.DB, explain+text, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: EXPLAIN: %w", l.label, err)
	}
	var lines []string
	for _, row := range found {
		lines = append(lines, row[column])
	}
	return lines, nil
}

// scans says whether a plan reads all of a table.
func scans(plan []string, table string) bool {
	for _, line := range plan {
		line = strings.TrimLeft(line, " ->")
		if strings.HasPrefix(line, "SCAN "+table) || strings.HasPrefix(line, "Seq Scan on "+table) {
			return true
		}
	}
	return false
}

// explaining shows how the databases find the packets of one variety.
func explaining(ctx context.Context, r *unit.Run, all []*library, when, title string) error {
	plans, err := showPlans(ctx, r, all, title, left, 7)
	if err != nil {
		return err
	}
	for i, l := range all {
		whole := 0.0
		if scans(plans[i], "packets") {
			whole = 1
		}
		r.Metric(unit.Metric{Name: "scans_" + when + "_" + l.name, Label: "plans with a full scan, " + when + " the index, " + l.label, Value: whole, Minor: true})
	}
	return nil
}

// showPlans shows the plans of a question, one database below the other.
func showPlans(ctx context.Context, r *unit.Run, all []*library, title, text string, arg any) (plans [][]string, err error) {
	table := unit.Table{Title: title, Columns: []string{"", "the plan"}}
	for _, l := range all {
		plan, err := l.plan(ctx, text, arg)
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
		name := l.label
		for _, line := range plan {
			table.Rows = append(table.Rows, []string{name, strings.TrimSpace(line)})
			name = ""
		}
	}
	r.Table(table)
	return plans, nil
}
