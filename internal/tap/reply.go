package tap

import (
	"bytes"

	"github.com/redis-grind/grind/internal/trace"
)

// maxDepth bounds how deep replies may nest before the stream is given up.
const maxDepth = 1024

type replyState uint8

const (
	repType    replyState = iota // before a type byte
	repLine                      // in a value that ends with its line
	repNumber                    // in a length or a count
	repBody                      // in a bulk value
	repBodyEnd                   // in the line end after it
)

// reply watches the bytes of a server and finds the replies in them.
type reply struct {
	state replyState
	kind  byte // the type byte being read
	num   number
	body  int64
	left  int
	raw   []byte // the value being read, as much of it as is shown
	long  bool   // raw is not all of it
	quiet bool   // build no text: nobody looks

	stack []frame
	muted int // attributes being read, which are not shown
	shot
	// A push may come in the middle of a reply. The reply's picture then waits
	// in outer, and base is the depth where the push began.
	outer shot
	base  int
	done  bool
}

// shot is the picture of one reply.
type shot struct {
	typ   byte   // its type byte
	null  bool   // it is the nil of its type
	size  int64  // its bytes
	first []byte // its first element, if a string; at most 16 bytes
	last  int64  // its last element that was an integer
	text  []byte // as a person reads it
}

// frame is an aggregate being read.
type frame struct {
	kind byte
	left int64
	seen int64
}

// idle reports whether the stream stands between two replies.
func (p *reply) idle() bool {
	if p.done {
		return p.base == 0
	}
	return p.state == repType && len(p.stack) == 0 && p.size == 0
}

// next reads b up to the end of the first reply in it, as request.next does.
func (p *reply) next(b []byte) (n int, done bool, err error) {
	if p.done {
		p.reset()
	}
	for n < len(b) {
		used, err := p.step(b[n:])
		n += used
		p.size += int64(used)
		if err != nil {
			return n, false, err
		}
		if p.done {
			return n, true, nil
		}
	}
	return n, false, nil
}

func (p *reply) reset() {
	p.done = false
	if p.base > 0 {
		p.shot, p.outer, p.base = p.outer, p.shot, 0
		return
	}
	p.shot = shot{first: p.first[:0], text: p.text[:0]}
}

func (p *reply) step(b []byte) (int, error) {
	switch p.state {
	case repType:
		return p.begin(b[0])
	case repLine:
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			p.keep(b)
			return len(b), nil
		}
		p.keep(b[:end])
		p.state = repType
		if !p.long {
			p.raw = bytes.TrimSuffix(p.raw, []byte{'\r'})
		}
		p.value()
		return end + 1, nil
	case repNumber:
		n, ok, err := p.num.read(b)
		if !ok {
			return n, err
		}
		return n, p.counted(p.num.value())
	case repBody:
		n := int(min(int64(len(b)), p.body))
		p.keep(b[:n])
		if p.body -= int64(n); p.body == 0 {
			p.state, p.left = repBodyEnd, 2
		}
		return n, nil
	default: // repBodyEnd
		if b[0] != "\n\r"[p.left-1] {
			return 0, errProtocol
		}
		if p.left--; p.left == 0 {
			p.state = repType
			p.value()
		}
		return 1, nil
	}
}

// begin reads a type byte.
func (p *reply) begin(kind byte) (int, error) {
	p.kind, p.raw, p.long, p.num = kind, p.raw[:0], false, number{}
	switch kind {
	case '+', '-', ':', ',', '#', '_', '(':
		p.state = repLine
	case '$', '!', '=', '*', '~', '%', '|':
		p.state = repNumber
	case '>':
		p.state = repNumber
		if len(p.stack) > p.base {
			if p.base > 0 || p.typ == '>' {
				return 0, errProtocol
			}
			p.base = len(p.stack)
			p.outer, p.shot = p.shot, shot{first: p.outer.first[:0], text: p.outer.text[:0]}
		}
	default:
		return 0, errProtocol
	}
	if len(p.stack) == p.base && kind != '|' {
		p.typ = kind
	}
	return 1, nil
}

// counted acts on the number after a type byte.
func (p *reply) counted(n int64) error {
	p.state = repType
	if n > maxBulk || n < -1 {
		return errProtocol
	}
	switch p.kind {
	case '$', '!', '=':
		switch {
		case n < 0:
			p.nothing()
		case n == 0:
			p.state, p.left = repBodyEnd, 2
		default:
			p.state, p.body = repBody, n
		}
		return nil
	}
	if n < 0 {
		p.nothing()
		return nil
	}
	if p.kind == '|' {
		p.muted++
	}
	p.open()
	if p.kind == '%' || p.kind == '|' {
		n *= 2
	}
	if len(p.stack) >= maxDepth {
		return errProtocol
	}
	p.stack = append(p.stack, frame{kind: p.kind, left: n})
	if n == 0 {
		p.pop()
	}
	return nil
}

// keep holds on to what is shown of a value, and one byte more.
func (p *reply) keep(b []byte) {
	if room := trace.MaxText + 1 - len(p.raw); room < len(b) {
		b, p.long = b[:max(0, room)], true
	}
	p.raw = append(p.raw, b...)
}

// nothing ends a value that is the nil of RESP2.
func (p *reply) nothing() {
	p.null = p.null || len(p.stack) == p.base
	p.separate()
	p.add("(nil)")
	p.ended()
}

// value ends a value that is no aggregate.
func (p *reply) value() {
	if depth := len(p.stack) - p.base; depth == 1 && p.muted == 0 {
		if p.stack[p.base].seen == 0 && len(p.raw) <= 16 {
			p.first = append(p.first[:0], p.raw...)
		}
		if p.kind == ':' {
			p.last = integer(p.raw)
		}
	} else if depth == 0 && p.kind == '_' {
		p.null = true
	}
	p.separate()
	switch p.kind {
	case '$', '!':
		if p.kind == '!' {
			p.add(string(p.raw))
		} else {
			p.quote(p.raw)
		}
	case '=':
		p.quote(p.raw[min(4, len(p.raw)):]) // after its "txt:"
	case '_':
		p.add("(nil)")
	case '#':
		if len(p.raw) == 1 && p.raw[0] == 't' {
			p.add("true")
		} else {
			p.add("false")
		}
	default:
		if p.showing() {
			p.text = append(p.text, p.raw...)
		}
	}
	p.ended()
}

func integer(b []byte) (n int64) {
	for _, c := range b {
		if '0' <= c && c <= '9' {
			n = n*10 + int64(c-'0')
		}
	}
	return n
}

// ended counts a finished value in the aggregate around it, and ends those
// that are complete with it.
func (p *reply) ended() {
	if len(p.stack) == p.base {
		p.done = true
		return
	}
	f := &p.stack[len(p.stack)-1]
	f.left--
	f.seen++
	if f.left == 0 {
		p.pop()
	}
}

// pop ends the innermost aggregate.
func (p *reply) pop() {
	f := p.stack[len(p.stack)-1]
	p.stack = p.stack[:len(p.stack)-1]
	if f.kind == '|' {
		p.muted-- // the value it describes follows
		return
	}
	if f.kind == '%' || f.kind == '~' {
		p.add("}")
	} else {
		p.add("]")
	}
	p.ended()
}

func (p *reply) open() {
	if p.kind == '|' {
		return
	}
	p.separate()
	if p.kind == '%' || p.kind == '~' {
		p.add("{")
	} else {
		p.add("[")
	}
}

// separate writes what stands between two elements.
func (p *reply) separate() {
	if len(p.stack) == p.base || p.muted > 0 {
		return
	}
	switch f := p.stack[len(p.stack)-1]; {
	case f.seen == 0:
	case f.kind == '%' && f.seen%2 == 1:
		p.add(": ")
	default:
		p.add(", ")
	}
}

func (p *reply) showing() bool { return !p.quiet && p.muted == 0 && len(p.text) <= trace.MaxText }

func (p *reply) add(s string) {
	if p.showing() {
		p.text = append(p.text, s...)
	}
}

func (p *reply) quote(b []byte) {
	if p.showing() {
		p.text = trace.AppendQuote(p.text, b)
	}
}

// picture is the reply as an event shows it.
func (p *reply) picture() trace.Reply {
	r := trace.Reply{Type: replyTypes[p.typ]}
	if p.null {
		r.Type = "nil"
	}
	if len(p.text) > trace.MaxText {
		p.text = trace.AppendCut(p.text[:0], p.text)
	}
	switch string(p.text) { // the commonest texts need no memory of their own
	case "OK":
		r.Text = "OK"
	case "QUEUED":
		r.Text = "QUEUED"
	case "(nil)":
		r.Text = "(nil)"
	case "0":
		r.Text = "0"
	case "1":
		r.Text = "1"
	default:
		r.Text = string(p.text)
	}
	return r
}

// failed reports whether the reply is an error.
func (p *reply) failed() bool { return p.typ == '-' || p.typ == '!' }

var replyTypes = [256]string{
	'+': "simple", '-': "error", ':': "integer", '$': "bulk", '*': "array", '_': "nil", '%': "map", '~': "set",
	',': "double", '#': "boolean", '(': "bignumber", '=': "verbatim", '>': "push", '!': "error",
}
