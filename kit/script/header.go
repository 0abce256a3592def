package script

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Header is what the comment at the top of a script says about it.
type Header struct {
	// Name of the file, such as "acquire.lua".
	Name string
	// Purpose in a sentence.
	Purpose string
	// Keys and Args in their order, from KEYS[1] and ARGV[1].
	Keys, Args []Param
	// Returns describes the reply.
	Returns string
	// Complexity in O notation, with what its letters count.
	Complexity string
}

// Param is one key or argument of a script.
type Param struct {
	// Name is a word that errors use, such as "lock" or "ttl_ms".
	Name string
	// Doc says what it is, with its unit and range where it has one.
	Doc string
	// Variadic marks the last parameter when it stands for any number of
	// values, none included. It is written with two dots: ARGV[3..].
	Variadic bool
}

// The lines of a header, without the comment sign.
var (
	titleLine = regexp.MustCompile(`^([\w.-]+\.lua): (\S.*)$`)
	paramLine = regexp.MustCompile(`^(KEYS|ARGV)\[(\d+)(\.\.)?\]\s+(\w+)(?:\s+(.*))?$`)
	noneLine  = regexp.MustCompile(`^(KEYS|ARGV)\s+none$`)
	tailLine  = regexp.MustCompile(`^(Returns|Complexity)\s+(\S.*)$`)
	usedParam = regexp.MustCompile(`\b(KEYS|ARGV)\[(\d+)\]`)
	comment   = regexp.MustCompile(`--[^\n]*`)
)

// parse reads the header of src. Its errors name the line.
func parse(src string) (Header, error) {
	p := parser{none: map[string]bool{}}
	lines := strings.Split(strings.ReplaceAll(src, "\r\n", "\n"), "\n")
	first := 0
	if strings.HasPrefix(lines[0], "#!") { // flags for Redis, not for us
		first = 1
	}
	end := first
	for end < len(lines) && strings.HasPrefix(lines[end], "--") {
		if err := p.line(strings.TrimSpace(strings.TrimPrefix(lines[end], "--"))); err != nil {
			return Header{}, fmt.Errorf("%w: line %d: %w", ErrHeader, end+1, err)
		}
		end++
	}
	if err := p.complete(); err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	if err := p.undeclared(strings.Join(lines[end:], "\n")); err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	return p.Header, nil
}

// parser collects a header line by line.
type parser struct {
	Header
	none map[string]bool // "KEYS none" was said
	text *string         // what a continuation line is added to; nil for none
}

// line reads one line of the comment. After an empty one, text that begins
// with no keyword is a remark for the reader of the file.
func (p *parser) line(s string) error {
	if p.Name == "" {
		m := titleLine.FindStringSubmatch(s)
		if m == nil {
			return fmt.Errorf(`want "-- name.lua: purpose", got %q`, s)
		}
		p.Name, p.Purpose, p.text = m[1], m[2], &p.Purpose
		return nil
	}
	if m := noneLine.FindStringSubmatch(s); m != nil {
		p.none[m[1]], p.text = true, nil
		return nil
	}
	if m := paramLine.FindStringSubmatch(s); m != nil {
		return p.param(m[1], m[2], m[3] != "", m[4], m[5])
	}
	if m := tailLine.FindStringSubmatch(s); m != nil {
		field := &p.Returns
		if m[1] == "Complexity" {
			field = &p.Complexity
		}
		if *field != "" {
			return fmt.Errorf("a second %s", m[1])
		}
		*field, p.text = m[2], field
		return nil
	}
	if strings.HasPrefix(s, "KEYS") || strings.HasPrefix(s, "ARGV") {
		return fmt.Errorf(`want "KEYS[n] name what", "KEYS[n..] name what" or "KEYS none", likewise for ARGV; got %q`, s)
	}
	if s == "" {
		p.text = nil
	} else if p.text != nil {
		*p.text += " " + s
	}
	return nil
}

// param adds one KEYS or ARGV line.
func (p *parser) param(kind, number string, variadic bool, name, doc string) error {
	list := &p.Keys
	if kind == "ARGV" {
		list = &p.Args
	}
	if n := len(*list); n > 0 && (*list)[n-1].Variadic {
		return fmt.Errorf("%s[%s] follows a variadic one", kind, number)
	}
	if want := strconv.Itoa(len(*list) + 1); number != want {
		return fmt.Errorf("%s[%s] where %s[%s] is due", kind, number, kind, want)
	}
	if doc == "" {
		return fmt.Errorf("%s[%s] %s needs a word on what it is", kind, number, name)
	}
	*list = append(*list, Param{Name: name, Doc: doc, Variadic: variadic})
	p.text = &(*list)[len(*list)-1].Doc
	return nil
}

// complete checks that every part of the header is there.
func (p *parser) complete() error {
	switch {
	case p.Name == "":
		return fmt.Errorf(`want a first line "-- name.lua: purpose"`)
	case (len(p.Keys) > 0) == p.none["KEYS"]:
		return fmt.Errorf(`%s: want lines "KEYS[n] name what", or "KEYS none"`, p.Name)
	case (len(p.Args) > 0) == p.none["ARGV"]:
		return fmt.Errorf(`%s: want lines "ARGV[n] name what", or "ARGV none"`, p.Name)
	case p.Returns == "":
		return fmt.Errorf(`%s: want a line "Returns what"`, p.Name)
	case p.Complexity == "":
		return fmt.Errorf(`%s: want a line "Complexity O(…)"`, p.Name)
	}
	return nil
}

// undeclared finds parameters that the body uses and the header does not know.
func (p *parser) undeclared(body string) error {
	for _, m := range usedParam.FindAllStringSubmatch(comment.ReplaceAllString(body, ""), -1) {
		list := p.Keys
		if m[1] == "ARGV" {
			list = p.Args
		}
		n, err := strconv.Atoi(m[2])
		if variadic := len(list) > 0 && list[len(list)-1].Variadic; err != nil || n < 1 || n > len(list) && !variadic {
			return fmt.Errorf("%s: the script uses %s, which the header does not declare", p.Name, m[0])
		}
	}
	return nil
}

// check compares what a caller passes with what the header declares.
func (h *Header) check(keys, args int) error {
	if err := arity("KEYS", h.Keys, keys); err != nil {
		return err
	}
	return arity("ARGV", h.Args, args)
}

func arity(kind string, params []Param, got int) error {
	want := len(params)
	if want > 0 && params[want-1].Variadic {
		if got >= want-1 {
			return nil
		}
		return fmt.Errorf("%w: got %d %s, want at least %d (%s)", ErrArgument, got, kind, want-1, names(params))
	}
	if got != want {
		return fmt.Errorf("%w: got %d %s, want %d (%s)", ErrArgument, got, kind, want, names(params))
	}
	return nil
}

// names lists parameters as a signature does.
func names(params []Param) string {
	var list []string
	for _, p := range params {
		name := p.Name
		if p.Variadic {
			name += "…"
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}
