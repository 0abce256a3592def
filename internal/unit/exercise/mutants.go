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

// mutant is a wrong solution that a person would write: edits of solution.go, or
// a file in its place.
type mutant struct {
	Name string `toml:"name"`
	// Task is the task that refutes it, Message a part of what a learner reads.
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

// readMutants reads mutants.toml. Fields that it does not know are an error.
func (r *Runner) readMutants(e unit.Entry) ([]mutant, error) {
	file := r.path(e, "exercise", "mutants.toml")
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("mutants.toml is missing")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var content struct {
		Mutants []mutant `toml:"mutant"`
	}
	err = toml.NewDecoder(f).DisallowUnknownFields().Decode(&content)
	if strict := (*toml.StrictMissingError)(nil); errors.As(err, &strict) {
		return nil, fmt.Errorf("mutants.toml has fields that nobody reads:\n%s", strict.String())
	}
	if err != nil {
		return nil, fmt.Errorf("mutants.toml: %w", err)
	}
	return content.Mutants, nil
}

// check says what is wrong with a mutant as it is written.
func (m mutant) check(e unit.Entry) error {
	var faults []string
	for field, value := range map[string]string{"name": m.Name, "task": m.Task, "message": m.Message} {
		if strings.TrimSpace(value) == "" {
			faults = append(faults, "it has no "+field)
		}
	}
	if (len(m.Edits) == 0) == (m.File == "") {
		faults = append(faults, "it must have either edits or a file")
	}
	if m.Task != "" && !slices.ContainsFunc(e.Unit.Tasks, func(t unit.Task) bool { return t.ID == m.Task }) {
		faults = append(faults, fmt.Sprintf("the unit has no task %q", m.Task))
	}
	slices.Sort(faults)
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
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
