package workbench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/redis-grind/grind/internal/trace"
)

// The bounds of a reply that the prompt shows.
const (
	maxReplyBulk  = 1 << 20
	maxReplyItems = 10_000
	maxReplyDepth = 16
	maxShown      = 32 << 10 // bytes of text
)

// value is a reply as it came, with its type: what redis-cli prints depends on it.
type value struct {
	kind  byte // the RESP type byte; '$' for any text, '_' for nothing
	text  string
	items []value
	left  int // items or bytes that were read but not kept
}

var errReply = errors.New("that is no reply of Redis")

// readValue reads one reply of either protocol. It keeps no more than the bounds
// and reads on to the end of the reply, so that the next one can follow.
func readValue(r *bufio.Reader, depth int) (value, error) {
	if depth > maxReplyDepth {
		return value{}, fmt.Errorf("%w: nested deeper than %d", errReply, maxReplyDepth)
	}
	line, err := readLine(r)
	if err != nil {
		return value{}, err
	}
	if line == "" {
		return value{}, errReply
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+', '-', ':', ',', '(', '#':
		return value{kind: kind, text: rest}, nil
	case '_':
		return value{kind: '_'}, nil
	case '$', '=', '!':
		return readBulk(r, kind, rest)
	case '*', '~', '>', '%':
		return readList(r, kind, rest, depth)
	}
	return value{}, fmt.Errorf("%w: it begins with %q", errReply, clip(line, 20))
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", fmt.Errorf("%w: a line of over %d bytes", errReply, r.Size())
	}
	if err != nil {
		return "", err
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok {
		return "", errReply
	}
	return text, nil
}

func readBulk(r *bufio.Reader, kind byte, length string) (value, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < -1 || n > 512<<20 {
		return value{}, fmt.Errorf("%w: a length of %q", errReply, clip(length, 20))
	}
	if n == -1 {
		return value{kind: '_'}, nil
	}
	kept := make([]byte, min(n, maxReplyBulk))
	if _, err := io.ReadFull(r, kept); err != nil {
		return value{}, err
	}
	v := value{kind: '$', text: string(kept), left: n - len(kept)}
	if _, err := r.Discard(v.left); err != nil {
		return value{}, err
	}
	var end [2]byte
	if _, err := io.ReadFull(r, end[:]); err != nil {
		return value{}, err
	}
	if end != [2]byte{'\r', '\n'} {
		return value{}, errReply
	}
	switch {
	case kind == '!':
		v.kind = '-'
	case kind == '=' && len(v.text) >= 4:
		v.text = v.text[4:] // the format of a verbatim text: "txt:"
	}
	return v, nil
}

func readList(r *bufio.Reader, kind byte, length string, depth int) (value, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < -1 || n > 64<<20 {
		return value{}, fmt.Errorf("%w: a length of %q", errReply, clip(length, 20))
	}
	if n == -1 {
		return value{kind: '_'}, nil
	}
	if kind == '%' {
		n *= 2
	}
	v := value{kind: '*'}
	for range n {
		item, err := readValue(r, depth+1)
		if err != nil {
			return value{}, err
		}
		if len(v.items) < maxReplyItems {
			v.items = append(v.items, item)
		} else {
			v.left++
		}
	}
	return v, nil
}

// String prints a reply as redis-cli does.
func (v value) String() string {
	p := printer{}
	p.put(v, "")
	if p.full {
		return p.b.String() + "… cut here"
	}
	return p.b.String()
}

type printer struct {
	b    strings.Builder
	full bool
}

func (p *printer) add(text string) {
	if p.b.Len() > maxShown {
		p.full = true
		return
	}
	p.b.WriteString(text)
}

// put prints a reply; the lines after its first are indented.
func (p *printer) put(v value, indent string) {
	switch v.kind {
	case '_':
		p.add("(nil)")
	case '-':
		p.add("(error) " + v.text)
	case ':', '(':
		p.add("(integer) " + v.text)
	case ',':
		p.add("(double) " + v.text)
	case '#':
		p.add(map[bool]string{true: "(true)", false: "(false)"}[v.text == "t"])
	case '$':
		p.add(trace.Quote(v.text))
		if v.left > 0 {
			p.add(fmt.Sprintf(" … and %s more bytes", comma(v.left)))
		}
	case '*':
		p.list(v, indent)
	default:
		p.add(v.text)
	}
}

func (p *printer) list(v value, indent string) {
	if len(v.items) == 0 {
		p.add("(empty array)")
		return
	}
	width := len(strconv.Itoa(len(v.items)))
	for i, item := range v.items {
		if p.full {
			return
		}
		if i > 0 {
			p.add("\n" + indent)
		}
		p.add(fmt.Sprintf("%*d) ", width, i+1))
		p.put(item, indent+strings.Repeat(" ", width+2))
	}
	if v.left > 0 {
		p.add(fmt.Sprintf("\n%s… and %s more", indent, comma(v.left)))
	}
}
