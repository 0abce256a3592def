package tap

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/trace"
)

// Kind says what a fault does.
type Kind uint8

// The kinds of faults. The first two shape the wire, Refuse keeps clients off
// it, the others strike one command.
const (
	// Latency adds Delay, and up to Jitter at random, to the way to the
	// server: once for each burst, which is what one read from the client
	// brought. It is a delay line, not a slow server: a pipeline sent together
	// waits once, and bursts sent one after the other overlap. What the server
	// sends is not delayed, so a round trip costs Delay once.
	Latency Kind = iota + 1
	// Bandwidth lets BytesPerSecond pass in each direction of a connection.
	Bandwidth
	// Cut closes both sides before the command is forwarded: not executed, and
	// the client sees the end of the stream.
	Cut
	// Reset does the same, but the client sees its connection reset (TCP RST).
	Reset
	// LoseReply forwards the command, which is executed, drops the reply and
	// closes the client's connection. Nothing that the client sent after the
	// command reaches the server.
	LoseReply
	// Refuse resets new connections as soon as they are made and closes the
	// existing ones.
	Refuse
	// ErrorReply answers Message as an error and does not forward the command.
	ErrorReply
)

// String is the name that events carry.
func (k Kind) String() string {
	names := [...]string{"", "latency", "bandwidth", "cut", "reset", "reply lost", "refused", "error reply"}
	if int(k) >= len(names) {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return names[k]
}

// strikes reports whether faults of the kind are thrown at single commands.
func (k Kind) strikes() bool { return k == Cut || k == Reset || k == LoseReply || k == ErrorReply }

// Fault is what may go wrong on the wire, and where. Commands forwarded before
// the struck one keep their replies.
type Fault struct {
	Kind Kind

	// Command is a glob over the command's name, such as "INCR" or "X*", in any
	// case. Empty means every command of the program, but not the handshakes of
	// its connections (HELLO, AUTH, SELECT …), which must be named. Not for
	// Bandwidth and Refuse.
	Command string
	// Key is a glob over the command's first key as an event shows it; empty
	// means any. Not for Bandwidth and Refuse.
	Key string
	// Client is a glob over the connection's name; empty means any. A new
	// connection has no name yet, so Refuse with a Client only closes
	// existing ones.
	Client string

	// After spares the first matches: that many commands, bursts (Latency) or
	// connections (Refuse).
	After int
	// Times ends the fault after that many; zero means it lasts until cleared.
	// After and Times are not for Bandwidth.
	Times int

	// Delay and Jitter are for Latency. The runtime's timers decide how exact
	// they are: expect some 0.1 ms more, and below 1 ms up to 1 ms more.
	Delay, Jitter time.Duration
	// BytesPerSecond is for Bandwidth and must be positive there.
	BytesPerSecond int
	// Message is the error text of ErrorReply without its "-", such as
	// "OOM command not allowed when used memory > 'maxmemory'.".
	Message string
	// Silent makes LoseReply keep the client's connection open and never say
	// anything on it again, as a network that swallows packets does.
	Silent bool
}

func (f Fault) check() error {
	bad := func(field, rule string, got any) error {
		if s, ok := got.(string); ok {
			got = strconv.Quote(s)
		}
		return fmt.Errorf("tap: Fault.%s must %s for %s, got %v", field, rule, f.Kind, got)
	}
	switch {
	case f.Kind < Latency || f.Kind > ErrorReply:
		return fmt.Errorf("tap: Fault.Kind must be one of the kinds, got %d", f.Kind)
	case f.After < 0:
		return bad("After", "not be negative", f.After)
	case f.Times < 0:
		return bad("Times", "not be negative", f.Times)
	case f.Delay < 0:
		return bad("Delay", "not be negative", f.Delay)
	case f.Jitter < 0:
		return bad("Jitter", "not be negative", f.Jitter)
	case f.Kind == Latency && f.Delay+f.Jitter == 0:
		return bad("Delay", "be positive", f.Delay)
	case f.Kind == Bandwidth && f.BytesPerSecond <= 0:
		return bad("BytesPerSecond", "be positive", f.BytesPerSecond)
	case f.Kind == Bandwidth && (f.After != 0 || f.Times != 0):
		return bad("After and Times", "be zero", f.After+f.Times)
	case (f.Kind == Bandwidth || f.Kind == Refuse) && f.Command+f.Key != "":
		return bad("Command and Key", "be empty", f.Command+f.Key)
	case f.Kind == ErrorReply && (f.Message == "" || strings.ContainsAny(f.Message, "\r\n")):
		return bad("Message", "be one line of text", f.Message)
	}
	return nil
}

// thrown is a fault in force.
type thrown struct {
	Fault
	mu   sync.Mutex
	seen int
}

// matches reports whether a command is one that the fault means.
func (f *thrown) matches(e *trace.Event, client string) bool {
	if f.Command == "" && e.Kind == trace.Handshake {
		return false
	}
	return glob(f.Command, e.Name) && glob(f.Client, client) && (f.Key == "" || glob(f.Key, e.Key()))
}

// take counts a match; strike says whether the fault acts on it, last whether
// it was its last.
func (f *thrown) take() (strike, last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.seen - f.After
	if f.Times > 0 && n >= f.Times {
		return false, true
	}
	f.seen++
	return n >= 0, f.Times > 0 && n+1 >= f.Times
}

// faults is what is in force; it is replaced, never changed.
type faults struct {
	all   []*thrown
	kinds [ErrorReply + 1]bool
}

func (s *faults) has(k Kind) bool { return s != nil && s.kinds[k] }

// strikes reports whether any fault may strike a command.
func (s *faults) strikes() bool {
	return s != nil && (s.kinds[Cut] || s.kinds[Reset] || s.kinds[LoseReply] || s.kinds[ErrorReply])
}

// Throw puts a fault in force for commands and connections that arrive from
// now on. The returned function ends it, and may be called more than once.
// When several faults strike the same command, the one thrown first does.
func (t *Tap) Throw(f Fault) (clear func(), err error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	f.Command = strings.ToUpper(f.Command)
	one := &thrown{Fault: f}
	t.mu.Lock()
	t.setFaults(append(t.thrown(), one))
	t.mu.Unlock()
	if f.Kind == Refuse && f.After == 0 {
		t.closeClients(f.Client)
	}
	return func() { t.end(one) }, nil
}

// end takes a fault out of force.
func (t *Tap) end(f *thrown) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setFaults(slices.DeleteFunc(t.thrown(), func(o *thrown) bool { return o == f }))
}

// thrown returns a copy of the faults in force.
func (t *Tap) thrown() []*thrown {
	if s := t.faults.Load(); s != nil {
		return slices.Clone(s.all)
	}
	return nil
}

func (t *Tap) setFaults(all []*thrown) {
	if len(all) == 0 {
		t.faults.Store(nil)
		return
	}
	s := &faults{all: all}
	for _, f := range all {
		s.kinds[f.Kind] = true
	}
	t.faults.Store(s)
}

// struck returns the fault to throw at a command, if any.
func (t *Tap) struck(p *pending, client string) *thrown {
	s := t.faults.Load()
	if s == nil {
		return nil
	}
	for _, f := range s.all {
		if f.Kind == LoseReply && p.silent {
			continue // there is none to lose
		}
		if f.Kind.strikes() && f.matches(&p.ev, client) && t.take(f) {
			return f
		}
	}
	return nil
}

// take lets a fault count a match, and ends it at its last.
func (t *Tap) take(f *thrown) bool {
	strike, last := f.take()
	if last {
		t.end(f)
	}
	if strike {
		t.stats.faults.Add(1)
	}
	return strike
}

// delay is what a Latency fault adds to a burst.
func (t *Tap) delay(f *thrown) time.Duration {
	if !t.take(f) {
		return 0
	}
	d := f.Delay
	if f.Jitter > 0 {
		d += rand.N(f.Jitter + 1)
	}
	return d
}

// refused reports whether a new connection is to be refused.
func (t *Tap) refused() bool {
	s := t.faults.Load()
	if !s.has(Refuse) {
		return false
	}
	for _, f := range s.all {
		if f.Kind == Refuse && f.Client == "" && t.take(f) {
			return true
		}
	}
	return false
}

// rate is the bandwidth of a connection in bytes per second, zero for no limit.
func (t *Tap) rate(client string) (least int) {
	s := t.faults.Load()
	if !s.has(Bandwidth) {
		return 0
	}
	for _, f := range s.all {
		if f.Kind == Bandwidth && glob(f.Client, client) && (least == 0 || f.BytesPerSecond < least) {
			least = f.BytesPerSecond
		}
	}
	return least
}
