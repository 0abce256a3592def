package unit

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Course is the table of contents. It is handed to the command line and to the
// workbench; nothing registers itself.
type Course struct {
	Phases []Phase
	Routes []Route
	// Incidents end phases; those that have one.
	Incidents []IncidentEntry
	// Files holds each unit's folder: its lesson and its exercise.
	Files fs.FS
}

// Phase is a chapter of the path.
type Phase struct {
	Number  int
	Title   string
	Teaches string // in a few words
	Units   []Entry
}

// Entry is a unit and its folder below the course's root, such as
// 01-redis-fundamentals/01-strings.
type Entry struct {
	Dir  string
	Unit *Unit
}

// Route is a way through the course for one purpose.
type Route struct {
	Name  string // weekend
	Title string // A weekend
	About string
	Units []string // ids, in order; empty means all
	Of    string   // the name of the route that this one is a part of; mostly empty
}

// Term is a word of the trade that a unit explains.
type Term struct {
	Word  string   // round trip
	Means string   // one sentence
	Also  []string // other forms in which it stands in texts: round trips
	// Common says that it is an everyday word too, such as set: texts do not link
	// it, for they could not tell which is meant.
	Common bool
}

// Defined is a term and the unit that explains it.
type Defined struct {
	Term
	Entry
}

// Slug is the term's name in addresses.
func (t Term) Slug() string { return strings.ReplaceAll(strings.ToLower(t.Word), " ", "-") }

// Glossary returns the terms of all units by the alphabet. Where two units name
// the same word, the first explains it.
func (c *Course) Glossary() []Defined {
	var all []Defined
	for _, e := range c.All() {
		for _, t := range e.Unit.Terms {
			if !slices.ContainsFunc(all, func(d Defined) bool { return d.Term.Slug() == t.Slug() }) {
				all = append(all, Defined{t, e})
			}
		}
	}
	slices.SortFunc(all, func(a, b Defined) int { return strings.Compare(a.Term.Slug(), b.Term.Slug()) })
	return all
}

// NotFoundError says that there is no such unit.
type NotFoundError struct {
	ID      string
	Closest []string // ids that look alike
}

// Error names what looks alike and how to list all.
func (e *NotFoundError) Error() string {
	s := fmt.Sprintf("there is no unit %q", e.ID)
	if len(e.Closest) > 0 {
		s += "; did you mean " + strings.Join(e.Closest, " or ") + "?"
	}
	return s + "\n`grind list` shows all of them."
}

// All returns every unit in order.
func (c *Course) All() []Entry {
	var all []Entry
	for _, p := range c.Phases {
		all = append(all, p.Units...)
	}
	return all
}

// Find returns the unit with this id. It also takes a slug (strings), an id
// without the zero (1.1) and an id with its slug (1.01-strings).
func (c *Course) Find(id string) (Entry, error) {
	want := strings.ToLower(strings.TrimSpace(id))
	var closest []string
	for _, e := range c.All() {
		short := strings.Replace(e.Unit.ID, ".0", ".", 1)
		if slices.Contains([]string{e.Unit.ID, short, e.Slug(), e.Folder()}, want) {
			return e, nil
		}
		if want != "" && (strings.Contains(e.Slug(), want) || strings.HasPrefix(e.Unit.ID, want)) && len(closest) < 3 {
			closest = append(closest, e.Unit.ID+" "+e.Slug())
		}
	}
	return Entry{}, &NotFoundError{ID: id, Closest: closest}
}

// Phase returns the phase of an entry.
func (c *Course) Phase(e Entry) Phase {
	for _, p := range c.Phases {
		for _, u := range p.Units {
			if u.Dir == e.Dir {
				return p
			}
		}
	}
	return Phase{}
}

// Slug is the unit's name in addresses and commands: strings.
func (e Entry) Slug() string {
	_, slug, _ := strings.Cut(path.Base(e.Dir), "-")
	return slug
}

// Folder is the name of the exercise's folder in the workspace: 1.01-strings.
func (e Entry) Folder() string { return e.Unit.ID + "-" + e.Slug() }

// Lesson returns the unit's text.
func (c *Course) Lesson(e Entry) ([]byte, error) {
	return fs.ReadFile(c.Files, path.Join(e.Dir, "lesson.md"))
}
