package course

import (
	"slices"
	"strings"
	"testing"
)

// TestCourse: what stands in the table of contents fits together.
func TestCourse(t *testing.T) {
	c := New()
	var ids []string
	for _, p := range c.Phases {
		for n, e := range p.Units {
			u := e.Unit
			ids = append(ids, u.ID)
			if !strings.HasPrefix(u.ID, string(rune('0'+p.Number))+".") || n > 0 && u.ID <= p.Units[n-1].Unit.ID {
				t.Errorf("unit %s stands in the wrong place", u.ID)
			}
			for _, before := range u.After {
				if !slices.Contains(ids, before) {
					t.Errorf("unit %s builds on %s, which does not come before it", u.ID, before)
				}
			}
			if u.Lead == "" || u.Minutes <= 0 || len(u.Claims) == 0 || len(u.Terms) == 0 || u.Predict.Answer == nil {
				t.Errorf("unit %s lacks a lead, minutes, claims, terms or a prediction", u.ID)
			}
			if text, err := c.Lesson(e); err != nil || !strings.HasPrefix(string(text), "# "+u.Title+"\n") {
				t.Errorf("unit %s: the text does not begin with its title, %v", u.ID, err)
			}
		}
	}
	for _, r := range c.Routes {
		for _, id := range r.Units {
			if !slices.Contains(ids, id) {
				t.Errorf("the route %s names the unit %s, which is not there", r.Name, id)
			}
		}
	}
}

// TestGlossary: every word is explained once, in one sentence.
func TestGlossary(t *testing.T) {
	seen := map[string]string{}
	for _, e := range New().All() {
		for _, term := range e.Unit.Terms {
			if first, twice := seen[term.Slug()]; twice {
				t.Errorf("%q is explained by %s and by %s", term.Word, first, e.Unit.ID)
			}
			seen[term.Slug()] = e.Unit.ID
			if !strings.HasSuffix(term.Means, ".") {
				t.Errorf("%q: %q is no sentence", term.Word, term.Means)
			}
		}
	}
}
