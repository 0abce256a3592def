package exercise

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/progress"
)

// Hint is one step of help; each says more than the one before.
type Hint struct {
	Number int    `json:"number"` // from 1
	Title  string `json:"title"`  // a question; may be empty
	Text   string `json:"text"`   // Markdown
}

var hintHeading = regexp.MustCompile(`(?m)^## (\d+)[ \t]*(.*)$`)

// Hints returns the hints of a unit in order.
func (r *Runner) Hints(e unit.Entry) ([]Hint, error) {
	if err := hasExercise(e); err != nil {
		return nil, err
	}
	md, err := os.ReadFile(r.path(e, "exercise", "hints.md"))
	if err != nil {
		return nil, fmt.Errorf("exercise: %w", err)
	}
	hints, err := ParseHints(string(md))
	if err != nil {
		return nil, fmt.Errorf("exercise: hints of %s: %w", e.Unit.ID, err)
	}
	return hints, nil
}

// ParseHints reads hints: headings "## 1 …", "## 2 …" in order, each with a text.
func ParseHints(md string) ([]Hint, error) {
	marks := hintHeading.FindAllStringSubmatchIndex(md, -1)
	var hints []Hint
	for i, mark := range marks {
		end := len(md)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		n, err := strconv.Atoi(md[mark[2]:mark[3]])
		if err != nil || n != i+1 {
			return nil, fmt.Errorf("heading %q must be number %d", md[mark[0]:mark[1]], i+1)
		}
		h := Hint{Number: n, Title: strings.TrimSpace(md[mark[4]:mark[5]]), Text: strings.TrimSpace(md[mark[1]:end])}
		if h.Text == "" {
			return nil, fmt.Errorf("hint %d is empty", n)
		}
		hints = append(hints, h)
	}
	if len(hints) == 0 {
		return nil, fmt.Errorf("there is no heading \"## 1\"")
	}
	return hints, nil
}

// NextHint returns the first hint that was not shown yet, its number and how many
// there are, and records it as shown. When all were shown it is the last again.
func (r *Runner) NextHint(e unit.Entry) (hint Hint, n, of int, err error) {
	hints, err := r.Hints(e)
	if err != nil {
		return Hint{}, 0, 0, err
	}
	n = 1
	next := func(p *progress.Record) {
		n = min(p.HintsShown+1, len(hints))
		p.HintsShown = n
	}
	if err := r.record(e, next); err != nil {
		return Hint{}, 0, 0, err
	}
	return hints[n-1], n, len(hints), nil
}

// Solution returns the difference from the learner's file, or from the starter
// when there is none, to a solution. Unless the unit was passed before, it is
// recorded as given. The difference is empty when the files are equal.
func (r *Runner) Solution(e unit.Entry) (diff string, err error) {
	from, err := r.starter(e)
	if err != nil {
		return "", err
	}
	name := "exercise.go"
	if own, err := r.source(e, ""); err == nil {
		from, name = own, shortPath(r.File(e))
	}
	to, err := os.ReadFile(r.path(e, "exercise", "solution.go"))
	if err != nil {
		return "", fmt.Errorf("exercise: %w", err)
	}
	diff = udiff.Unified(name, "solution.go", string(WithoutBuildLine(from)), string(WithoutBuildLine(to)))
	return diff, r.record(e, func(p *progress.Record) { p.Given = p.Given || p.PassedAt.IsZero() })
}
