package tap

import (
	"bytes"
	"errors"

	"github.com/redis-grind/grind/internal/trace"
)

// errProtocol says that a stream is not RESP, or not RESP that a server would
// accept.
var errProtocol = errors.New("tap: not RESP")

// The bounds a real server sets on what a client may send.
const (
	maxInline = 64 << 10
	maxCount  = 1 << 31
	maxBulk   = 1 << 40 // the server's own limit is a setting; this one only stops nonsense
)

type requestState uint8

const (
	reqStart   requestState = iota // before the first byte of a command
	reqInline                      // in a line of plain words
	reqCount                       // in the number after *
	reqBulk                        // before the $ of an argument
	reqLength                      // in the number after $
	reqBody                        // in an argument
	reqBodyEnd                     // in the line end after an argument
)

// request watches the bytes of a client and finds the commands in them. It
// keeps of each argument what an event shows, never the argument itself.
type request struct {
	state requestState
	num   number
	left  int64 // arguments still to come, or bytes of a line end
	args  int64 // arguments to come after the current one
	body  int64 // bytes of the current argument still to come

	size int64  // bytes of the command so far
	argc int    // its finished arguments, the name included
	text []byte // the kept arguments, one after the other
	ends []int  // where each of them ends in text
	mark int    // where the current one begins in text
	line []byte // an inline command so far
	done bool   // the command was handed out: the next byte begins another
}

// idle reports whether the stream stands between two commands.
func (p *request) idle() bool { return p.state == reqStart }

// next reads b up to the end of the first command in it. It returns how many
// bytes that took and whether the command is complete; if so, arg and picture
// describe it until the next call.
func (p *request) next(b []byte) (n int, done bool, err error) {
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

func (p *request) reset() {
	p.done, p.state = false, reqStart
	p.size, p.argc, p.mark = 0, 0, 0
	p.text, p.ends = p.text[:0], p.ends[:0]
}

// step takes the bytes of one state from b, at least one.
func (p *request) step(b []byte) (int, error) {
	switch p.state {
	case reqStart:
		if b[0] != '*' {
			p.state = reqInline
			return 0, nil
		}
		p.state = reqCount
		p.num = number{}
		return 1, nil
	case reqInline:
		return p.inline(b)
	case reqCount:
		n, ok, err := p.num.read(b)
		if !ok {
			return n, err
		}
		if p.num.value() > maxCount {
			return n, errProtocol
		}
		if p.args = p.num.value(); p.args <= 0 {
			p.empty(n)
			return n, nil
		}
		p.state = reqBulk
		return n, nil
	case reqBulk:
		if b[0] != '$' {
			return 0, errProtocol
		}
		p.state = reqLength
		p.num = number{}
		return 1, nil
	case reqLength:
		n, ok, err := p.num.read(b)
		if !ok {
			return n, err
		}
		p.body = p.num.value()
		if p.num.neg || p.body > maxBulk {
			return n, errProtocol
		}
		p.state = reqBody
		if p.body == 0 {
			p.state, p.left = reqBodyEnd, 2
		}
		return n, nil
	case reqBody:
		n := int(min(int64(len(b)), p.body))
		p.keep(b[:n])
		if p.body -= int64(n); p.body == 0 {
			p.state, p.left = reqBodyEnd, 2
		}
		return n, nil
	default: // reqBodyEnd
		if b[0] != "\n\r"[p.left-1] {
			return 0, errProtocol
		}
		if p.left--; p.left == 0 {
			p.endArg()
			p.state = reqBulk
			if p.args--; p.args == 0 {
				p.state, p.done = reqStart, true
			}
		}
		return 1, nil
	}
}

// keep adds to the current argument what an event will show of it, and one
// byte more to know that it was longer.
func (p *request) keep(b []byte) {
	if p.argc > trace.MaxArgs {
		return
	}
	if room := trace.MaxText + 1 - (len(p.text) - p.mark); room < len(b) {
		b = b[:max(0, room)]
	}
	p.text = append(p.text, b...)
}

func (p *request) endArg() {
	if p.argc <= trace.MaxArgs {
		if len(p.text)-p.mark > trace.MaxText {
			p.text = trace.AppendCut(p.text[:p.mark], p.text[p.mark:])
		}
		p.mark = len(p.text)
		p.ends = append(p.ends, p.mark)
		if p.argc == 0 {
			upper(p.text)
		}
	}
	p.argc++
}

func upper(b []byte) {
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
}

// arg returns what was kept of argument i, 0 being the name in capitals; the
// bytes are good until the next call of next.
func (p *request) arg(i int) []byte {
	if i >= len(p.ends) {
		return nil
	}
	from := 0
	if i > 0 {
		from = p.ends[i-1]
	}
	return p.text[from:p.ends[i]]
}

// picture returns what an event shows of the command so far, secrets masked:
// one allocation for all texts, one for their slice.
func (p *request) picture(name string) (args []string, more int) {
	if len(p.ends) < 2 {
		return nil, 0
	}
	from := p.ends[0]
	all := string(p.text[from:p.ends[len(p.ends)-1]])
	args = make([]string, len(p.ends)-1)
	for i := range args {
		args[i] = all[p.ends[i]-from : p.ends[i+1]-from]
	}
	trace.Mask(name, args)
	return args, p.argc - len(p.ends)
}

// inline reads a command given as a line of words, as a person types it.
func (p *request) inline(b []byte) (int, error) {
	end := bytes.IndexByte(b, '\n')
	n := end + 1
	if end < 0 {
		n, end = len(b), len(b)
	}
	if len(p.line)+end > maxInline {
		return n, errProtocol
	}
	p.line = append(p.line, b[:end]...)
	if end == n {
		return n, nil
	}
	line := bytes.TrimSuffix(p.line, []byte{'\r'})
	p.line = nil // rare, and may have been large
	ok := words(line, func(w []byte) {
		p.keep(w)
		p.endArg()
	})
	if !ok {
		return n, errProtocol
	}
	p.state = reqStart
	if p.done = p.argc > 0; !p.done {
		p.empty(n)
	}
	return n, nil
}

// empty forgets a command without a name, which is answered by nothing, at its
// last n bytes, which next is about to count.
func (p *request) empty(n int) {
	p.reset()
	p.size = -int64(n)
}

// words splits a line as Redis does: by blanks, with "double" quotes that know
// escapes and 'single' ones that know \'. It reports false for quotes that do
// not close.
func words(line []byte, yield func([]byte)) bool {
	for {
		line = bytes.TrimLeft(line, " \t\r\n\v\f\x00")
		if len(line) == 0 {
			return true
		}
		word, rest, ok := word(line)
		if !ok {
			return false
		}
		yield(word)
		line = rest
	}
}

func word(line []byte) (word, rest []byte, ok bool) {
	var quote byte
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && bytes.IndexByte([]byte(" \t\r\n\v\f\x00"), c) >= 0:
			return word, line[i:], true
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0:
			word = append(word, c)
		case c == quote:
			// After a closing quote Redis wants a blank.
			if i+1 < len(line) && bytes.IndexByte([]byte(" \t\r\n\v\f\x00"), line[i+1]) < 0 {
				return nil, nil, false
			}
			return word, line[i+1:], true
		case c == '\\' && quote == '"' && i+1 < len(line):
			b, used := escape(line[i+1:])
			word = append(word, b)
			i += used
		case c == '\\' && quote == '\'' && i+1 < len(line) && line[i+1] == '\'':
			word = append(word, '\'')
			i++
		default:
			word = append(word, c)
		}
	}
	return word, nil, quote == 0
}

// escape reads what follows a backslash in double quotes.
func escape(b []byte) (value byte, used int) {
	if b[0] == 'x' && len(b) > 2 {
		hi, lo := unhex(b[1]), unhex(b[2])
		if hi >= 0 && lo >= 0 {
			return byte(hi<<4 | lo), 3
		}
	}
	if i := bytes.IndexByte([]byte("nrtba"), b[0]); i >= 0 {
		return "\n\r\t\b\a"[i], 1
	}
	return b[0], 1
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// number reads a decimal number and its line end, in as many pieces as it comes.
type number struct {
	n      int64
	digits int8
	neg    bool
	cr     bool
}

func (d *number) value() int64 {
	if d.neg {
		return -d.n
	}
	return d.n
}

// read takes bytes from b; ok says that the line end was among them.
func (d *number) read(b []byte) (n int, ok bool, err error) {
	for i, c := range b {
		switch {
		case d.cr:
			if c != '\n' {
				return i, false, errProtocol
			}
			return i + 1, true, nil
		case '0' <= c && c <= '9' && d.digits < 18:
			d.n = d.n*10 + int64(c-'0')
			d.digits++
		case c == '-' && d.digits == 0 && !d.neg:
			d.neg = true
		case c == '\r' && d.digits > 0:
			d.cr = true
		default:
			return i, false, errProtocol
		}
	}
	return len(b), false, nil
}
