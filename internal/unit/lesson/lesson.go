package lesson

import (
	"errors"
	"regexp"
	"strings"
)

// Doc is the text of a unit, taken apart at its headings.
type Doc struct {
	Title    string    // of the one heading with a single #
	Lead     string    // Markdown before the first section
	Sections []Section // at the headings with ##, in order
}

// Section is what stands below a heading with ##, as Markdown.
type Section struct {
	Title string
	Body  string // headings with ### and deeper included
}

// Section returns the section of this title, in any case. It reports false when
// there is none.
func (d Doc) Section(title string) (Section, bool) {
	for _, s := range d.Sections {
		if strings.EqualFold(s.Title, title) {
			return s, true
		}
	}
	return Section{}, false
}

// Parse takes a text apart. A text without a title, with two, or with a fence
// that is not closed, is an error.
func Parse(md []byte) (Doc, error) {
	var d Doc
	var body strings.Builder
	flush := func() {
		text := strings.TrimSpace(body.String())
		body.Reset()
		if n := len(d.Sections); n > 0 {
			d.Sections[n-1].Body = text
			return
		}
		d.Lead = text
	}
	lines, err := scan(md)
	if err != nil {
		return d, err
	}
	for _, line := range lines {
		title, isTitle := strings.CutPrefix(line.text, "# ")
		section, isSection := strings.CutPrefix(line.text, "## ")
		switch {
		case line.fenced || !isTitle && !isSection:
			body.WriteString(line.text + "\n")
		case isSection:
			flush()
			d.Sections = append(d.Sections, Section{Title: strings.TrimSpace(section)})
		case d.Title != "":
			return d, errors.New("lesson: the text has two titles: " + d.Title + ", " + title)
		default:
			d.Title = strings.TrimSpace(title)
		}
	}
	flush()
	if d.Title == "" {
		return d, errors.New("lesson: the text has no title: a line that begins with \"# \"")
	}
	return d, nil
}

var (
	linkTarget = regexp.MustCompile(`\]\([^)]*\)`)
	anyWord    = regexp.MustCompile(`[\p{L}\p{N}]`)
)

// Words counts the words that are read: those outside fences, without the
// targets of links.
func Words(md []byte) int {
	lines, _ := scan(md) // an open fence is told by Parse and Sync
	n := 0
	for _, line := range lines {
		if line.fenced {
			continue
		}
		for word := range strings.FieldsSeq(linkTarget.ReplaceAllString(line.text, "]")) {
			if anyWord.MatchString(word) {
				n++
			}
		}
	}
	return n
}
