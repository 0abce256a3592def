package incident

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/unit/exercise"
)

const (
	// sideBySide is how many versions are under load at once.
	sideBySide = 5
	// verdictLimit is how long a version may take to show what it is.
	verdictLimit = 45 * time.Second
)

// variant is a version of the file to mend of which it is known what is green.
type variant struct {
	Name  string          `toml:"name"`
	Of    string          `toml:"of"` // the file that is edited; empty is the one to mend
	Green []string        `toml:"green"`
	Edits []exercise.Edit `toml:"edits"`
}

// Verify looks whether the incident is sound: its parts are there; under the file
// as a learner first sees it no fact ever turns green; under the solution all do;
// and each variant of variants.toml turns green the facts that it names and no
// others. emit is called for one verdict at a time. An error means that it could
// not go on.
func (r *Runner) Verify(ctx context.Context, emit func(exercise.Verdict)) (passed, failed int, err error) {
	var one sync.Mutex
	tell := func(what string, fault error) {
		one.Lock()
		defer one.Unlock()
		v := exercise.Verdict{ID: r.Entry.Incident.ID, What: what, OK: fault == nil}
		if fault == nil {
			passed++
		} else {
			failed++
			v.Message = fault.Error()
		}
		emit(v)
	}
	variants, fault := r.variants()
	tell("parts", errors.Join(r.partsFault(variants), fault))
	places := make(chan struct{}, sideBySide)
	var all sync.WaitGroup
	for _, v := range variants {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if ctx.Err() == nil {
				tell(v.Name, r.prove(ctx, v))
			}
		})
	}
	all.Wait()
	return passed, failed, ctx.Err()
}

// variants are the broken file, the solution, and what variants.toml lists.
func (r *Runner) variants() ([]variant, error) {
	var listed struct {
		Variants []variant `toml:"variant"`
	}
	text, err := os.ReadFile(r.beside("variants.toml"))
	if err != nil {
		return nil, err
	}
	err = toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields().Decode(&listed)
	if err != nil {
		return nil, fmt.Errorf("variants.toml: %w", err)
	}
	var ids []string
	for _, f := range r.Entry.Incident.Facts {
		ids = append(ids, f.ID)
	}
	return append([]variant{{Name: "broken"}, {Name: "solution", Of: "solution.go", Green: ids}}, listed.Variants...), nil
}

// partsFault says what the incident lacks.
func (r *Runner) partsFault(variants []variant) error {
	var faults []error
	i := r.Entry.Incident
	story, err := os.ReadFile(r.beside("incident.md"))
	if first, _, _ := strings.Cut(string(story), "\n"); err == nil && first != "# "+i.Title {
		err = fmt.Errorf("incident.md begins with %q, and the incident is called %q", first, i.Title)
	}
	faults = append(faults, err)
	for name, want := range map[string]string{i.File: "!solution", "solution.go": "solution"} {
		source, err := os.ReadFile(r.original(name))
		if err == nil && !strings.HasPrefix(string(source), "//go:build "+want+"\n") {
			err = fmt.Errorf("%s must begin with \"//go:build %s\"", name, want)
		}
		faults = append(faults, err)
	}
	for _, f := range i.Facts {
		alone := func(v variant) bool { return slices.Equal(v.Green, []string{f.ID}) }
		if !slices.ContainsFunc(variants, alone) {
			faults = append(faults, fmt.Errorf("variants.toml has no version that mends %s alone", f.ID))
		}
	}
	return errors.Join(faults...)
}

// prove runs a variant until its facts stand as they should and a whole window
// has passed. It returns what was otherwise.
func (r *Runner) prove(ctx context.Context, v variant) error {
	source, err := r.variantSource(v)
	if err != nil {
		return err
	}
	b, err := r.compile(ctx, source)
	if err != nil {
		return err
	}
	if b.trouble != "" {
		return fmt.Errorf("it does not compile: %s", b.trouble)
	}
	d, err := deploy(ctx, r.Entry.Incident, 1, r.Binary, b.dir)
	if err != nil {
		return err
	}
	return errors.Join(r.observe(ctx, d, v.Green), d.end())
}

func (r *Runner) variantSource(v variant) ([]byte, error) {
	name := v.Of
	if name == "" {
		name = r.Entry.Incident.File
	}
	source, err := os.ReadFile(r.original(name))
	if err != nil {
		return nil, err
	}
	return exercise.Apply(name, exercise.WithoutBuildLine(source), v.Edits)
}

// observe judges a deployment until its facts are green and red as they should.
func (r *Runner) observe(ctx context.Context, d *deployment, green []string) error {
	ctx, cancel := context.WithTimeout(ctx, verdictLimit)
	defer cancel()
	facts := r.Entry.Incident.Facts
	began := time.Now()
	b := newBoard(facts, began)
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %v: %s", verdictLimit, strings.Join(astray(b.facts, green), "; "))
		case crash := <-d.crashed:
			return crash
		case now := <-ticks.C:
			b.read(facts, d.play.Judge(ctx), 1, now)
			for _, f := range b.facts {
				if f.Light == Green && !slices.Contains(green, f.ID) {
					return fmt.Errorf("%s turned green: %s", f.ID, f.Text)
				}
			}
			if len(astray(b.facts, green)) == 0 && now.Sub(began) >= r.Entry.Incident.Window+2*time.Second {
				return nil
			}
		}
	}
}

// astray tells of each fact that is neither green as it should nor red as it should.
func astray(facts []Fact, green []string) []string {
	var out []string
	for _, f := range facts {
		want := Red
		if slices.Contains(green, f.ID) {
			want = Green
		}
		if f.Light != want {
			out = append(out, fmt.Sprintf("%s is %s, want %s: %s", f.ID, f.Light, want, unit.Figure(f.Value, f.Unit)+", "+f.Text))
		}
	}
	return out
}
