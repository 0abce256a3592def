package unit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis-grind/grind/internal/localredis"
)

// MaxRun is how long an experiment may take unless its unit says Slow.
const MaxRun = 60 * time.Second

// ExecOptions say how to run a unit.
type ExecOptions struct {
	Redis *localredis.Redis
	Set   map[string]string // parameters; what is missing takes its default
	Quick bool              // take the quick values instead of the defaults
	Emit  func(Event)       // called for one event at a time; must not block for long
}

// Execute runs a unit's experiment and emits its events, Start first and Result
// last. It returns an error only for what kept the run from starting: a
// *ParamError or a *NeedsError. What goes wrong on the way stands in the Result,
// which is then not OK.
func Execute(ctx context.Context, u *Unit, o ExecOptions) (Result, error) {
	settings, err := u.Settings(o.Set, o.Quick)
	if err != nil {
		return Result{}, err
	}
	if missing := u.Missing(o.Redis); missing != nil {
		return Result{}, missing
	}
	begun := time.Now()
	run := newRun(u, o.Redis, settings, o.Quick, o.Emit)
	run.emit(Start{ID: u.ID, Title: u.Title, Redis: o.Redis.Short(), Params: settings, Quick: o.Quick})

	limit := max(MaxRun, 2*u.Slow)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	runErr := u.Run(ctx, run)
	held := true
	if runErr == nil {
		held = run.judge()
	}
	if err := run.end(); err != nil && runErr == nil {
		runErr = err
	}
	result := Result{OK: runErr == nil && held, Metrics: run.metrics, Millis: time.Since(begun).Milliseconds()}
	if runErr != nil {
		result.Error = explain(ctx, runErr, limit)
	}
	run.emit(result)
	return result, nil
}

// explain turns the error that ended a run into a sentence for people.
func explain(ctx context.Context, err error, limit time.Duration) string {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Sprintf("the run took longer than its limit of %v and was ended", limit)
	case errors.Is(ctx.Err(), context.Canceled):
		return "the run was stopped"
	}
	return err.Error()
}

// judge answers the prediction and checks the claims.
func (r *Run) judge() bool {
	if p := r.unit.Predict; p.Answer != nil {
		right, because := p.Answer(r.metrics)
		r.emit(Predict{Question: p.Question, Choices: p.Choices, Right: right, Because: because})
	}
	held := true
	for _, c := range r.unit.Claims {
		lacks := c.Need != "" && !r.Has(c.Need)
		checked := c.check(r.metrics, lacks || c.Timing && r.Embedded())
		if checked.Skipped && lacks {
			checked.Need = c.Need
		}
		checked.Unit = r.units[c.Metric]
		held = held && (checked.OK || checked.Skipped)
		r.emit(checked)
	}
	return held
}

// check compares a claim with what was measured. A metric that was not measured
// does not hold, unless it could not be here.
func (c Claim) check(m Metrics, mayLack bool) Checked {
	out := Checked{Text: c.Text, Metric: c.Metric, Op: c.Op, Bound: c.Bound}
	value, measured := m[c.Metric]
	out.Value = value
	if c.Other != "" {
		other, ok := m[c.Other]
		measured = measured && ok
		factor := c.Bound
		if factor == 0 {
			factor = 1
		}
		out.Bound = factor * other
	}
	if !measured {
		out.Skipped = mayLack
		return out
	}
	out.OK = compare(value, c.Op, out.Bound)
	return out
}

func compare(a float64, op string, b float64) bool {
	switch op {
	case "==":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	case ">=":
		return a >= b
	}
	return false
}
