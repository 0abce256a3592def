package exercise

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/redis-grind/grind/internal/unit"
)

// minMutants is how many wrong solutions an exercise has at least.
const minMutants = 3

// mutant is another solution that a person would write: edits of solution.go, or
// a file in its place. It is wrong, or it is right in a way of its own and shows
// that the check asks for behaviour and not for one way of writing it.
type mutant struct {
	Name string `toml:"name"`
	// Task is the task that refutes a wrong one, Message a part of what a learner
	// reads. A right one has neither.
	Task    string `toml:"task"`
	Message string `toml:"message"`
	Edits   []Edit `toml:"edits"`
	File    string `toml:"file"` // beside mutants.toml
}

// Edit replaces a text that is in a file exactly once.
type Edit struct {
	Old string `toml:"old"`
	New string `toml:"new"`
}

// readMutants reads mutants.toml: the wrong solutions, and the right ones beside
// solution.go. Fields that it does not know are an error.
func (r *Runner) readMutants(e unit.Entry) (wrong, right []mutant, err error) {
	file := r.path(e, "exercise", "mutants.toml")
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errors.New("mutants.toml is missing")
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var content struct {
		Wrong []mutant `toml:"mutant"`
		Right []mutant `toml:"right"`
	}
	err = toml.NewDecoder(f).DisallowUnknownFields().Decode(&content)
	if strict := (*toml.StrictMissingError)(nil); errors.As(err, &strict) {
		return nil, nil, fmt.Errorf("mutants.toml has fields that nobody reads:\n%s", strict.String())
	}
	if err != nil {
		return nil, nil, fmt.Errorf("mutants.toml: %w", err)
	}
	return content.Wrong, content.Right, nil
}

// checkWrong says what is wrong with a wrong solution as it is written.
func (m mutant) checkWrong(e unit.Entry) error {
	faults := m.faults()
	for field, value := range map[string]string{"task": m.Task, "message": m.Message} {
		if strings.TrimSpace(value) == "" {
			faults = append(faults, "it has no "+field)
		}
	}
	if m.Task != "" && !slices.ContainsFunc(e.Unit.Tasks, func(t unit.Task) bool { return t.ID == m.Task }) {
		faults = append(faults, fmt.Sprintf("the unit has no task %q", m.Task))
	}
	slices.Sort(faults)
	return joined(faults)
}

// checkRight says what is wrong with a right solution as it is written.
func (m mutant) checkRight(unit.Entry) error {
	faults := m.faults()
	if m.Task+m.Message != "" {
		faults = append(faults, "it is right, and has a task or a message")
	}
	return joined(faults)
}

// faults says what either of them lacks.
func (m mutant) faults() []string {
	var faults []string
	if strings.TrimSpace(m.Name) == "" {
		faults = append(faults, "it has no name")
	}
	if (len(m.Edits) == 0) == (m.File == "") {
		faults = append(faults, "it must have either edits or a file")
	}
	return faults
}

// source is what is compiled in place of solution.go.
func (m mutant) source(dir string, solution []byte) ([]byte, error) {
	if m.File != "" {
		if !filepath.IsLocal(m.File) {
			return nil, fmt.Errorf("file %q must be beside mutants.toml or below it", m.File)
		}
		source, err := os.ReadFile(filepath.Join(dir, m.File))
		return WithoutBuildLine(source), err
	}
	return Apply("solution.go", WithoutBuildLine(solution), m.Edits)
}

// Apply makes edits in the source of the file called name.
func Apply(name string, source []byte, edits []Edit) ([]byte, error) {
	text := string(source)
	for i, edit := range edits {
		n := 0
		if edit.Old != "" {
			n = strings.Count(text, edit.Old)
		}
		if n != 1 {
			return nil, fmt.Errorf("edit %d: its old text is in %s %d times, want once:\n%s", i+1, name, n, edit.Old)
		}
		text = strings.Replace(text, edit.Old, edit.New, 1)
	}
	return []byte(text), nil
}
