package workbench

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/redis-grind/grind/internal/unit"
)

// termView is a word of the glossary.
type termView struct{ Slug, Word, Means, ID, Title, Href string }

func (s *Server) getGlossary(w http.ResponseWriter, _ *http.Request) {
	var terms []termView
	for _, d := range s.course.Glossary() {
		terms = append(terms, termView{d.Term.Slug(), d.Word, d.Means, d.Unit.ID, d.Unit.Title, href(d.Entry)})
	}
	f := s.frame("The glossary", "glossary", "css/path.css")
	f.Page = terms
	s.show(w, http.StatusOK, f, "glossary")
}

// termsFor are the words that other units explain and that mean nothing else.
func (s *Server) termsFor(e unit.Entry) []unit.Defined {
	return slices.DeleteFunc(s.course.Glossary(), func(d unit.Defined) bool { return d.Common || d.Dir == e.Dir })
}

// linker links the first appearance of each word of the glossary in a text.
type linker struct{ terms []unit.Defined }

// Transform works on running text alone: not on code, headings, or what is a
// link already.
func (l linker) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	source := reader.Source()
	linked := map[string]bool{}
	var texts []*ast.Text
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Heading, *ast.Link, *ast.AutoLink, *ast.CodeSpan, *ast.FencedCodeBlock, *ast.CodeBlock:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			if entering {
				texts = append(texts, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, n := range texts {
		for n != nil {
			n = l.link(n, source, linked)
		}
	}
}

// link links the first new term in a piece of text and returns the piece behind
// it, or nil when there is none.
func (l linker) link(n *ast.Text, source []byte, linked map[string]bool) *ast.Text {
	found, from, to := l.find(string(n.Segment.Value(source)), linked)
	if from < 0 {
		return nil
	}
	linked[found.Term.Slug()] = true
	start := n.Segment.Start
	word := ast.NewTextSegment(text.NewSegment(start+from, start+to))
	link := ast.NewLink()
	link.Destination = []byte("/glossary#term-" + found.Term.Slug())
	link.Title = []byte(found.Means)
	link.SetAttributeString("class", []byte("term"))
	link.AppendChild(link, word)
	rest := ast.NewTextSegment(text.NewSegment(start+to, n.Segment.Stop))
	rest.SetSoftLineBreak(n.SoftLineBreak())
	rest.SetHardLineBreak(n.HardLineBreak())
	n.SetSoftLineBreak(false)
	n.SetHardLineBreak(false)
	n.Segment = n.Segment.WithStop(start + from)
	parent := n.Parent()
	parent.InsertAfter(parent, n, link)
	parent.InsertAfter(parent, link, rest)
	return rest
}

// find returns the term that stands first in a text, the longest of several.
func (l linker) find(s string, linked map[string]bool) (found unit.Defined, from, to int) {
	from = -1
	lower := strings.ToLower(s)
	if len(lower) != len(s) { // the rare letter whose cases differ in length
		return found, -1, -1
	}
	for _, d := range l.terms {
		if linked[d.Term.Slug()] {
			continue
		}
		for _, form := range append([]string{d.Word}, d.Also...) {
			at := wordAt(lower, strings.ToLower(form))
			if at >= 0 && (from < 0 || at < from || at == from && at+len(form) > to) {
				found, from, to = d, at, at+len(form)
			}
		}
	}
	return found, from, to
}

// wordAt finds a form as a word of its own.
func wordAt(s, form string) int {
	for from := 0; ; {
		at := strings.Index(s[from:], form)
		if at < 0 {
			return -1
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(s[:at])
		after, _ := utf8.DecodeRuneInString(s[at+len(form):])
		if !partOfWord(before) && !partOfWord(after) {
			return at
		}
		from = at + len(form)
	}
}

func partOfWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || slices.Contains([]rune{'-', '_'}, r)
}

// linking is the parser option that links a text's terms.
func linking(terms []unit.Defined) parser.Option {
	return parser.WithASTTransformers(util.Prioritized(linker{terms}, 500))
}
