package trace

import (
	"context"
	"encoding"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

type labelKey struct{}

// WithActor names the actor on whose behalf commands under ctx are sent, and
// keeps the request that ctx already carries.
func WithActor(ctx context.Context, name string) context.Context {
	l := labelOf(ctx)
	l.Actor = name
	return context.WithValue(ctx, labelKey{}, l)
}

// WithRequest names the request that commands under ctx belong to, and keeps
// the actor that ctx already carries.
func WithRequest(ctx context.Context, id string) context.Context {
	l := labelOf(ctx)
	l.Request = id
	return context.WithValue(ctx, labelKey{}, l)
}

func labelOf(ctx context.Context) Label {
	l, _ := ctx.Value(labelKey{}).(Label)
	return l
}

// Labels carries labels from a program's contexts to the events of its wire.
// Its hook notes, while a command is being processed, the label under the
// command's bytes; the wire looks them up when such bytes arrive. The zero
// value is ready to use; it is safe for concurrent use.
//
// Of several equal commands under way the one whose label was used least comes
// first, so that each gets its turn, and a retry, which finds its own used
// already, still finds it. Two equal commands of different actors at the same
// moment may therefore swap labels: nothing on the wire tells them apart.
type Labels struct {
	mu    sync.Mutex
	under map[uint64][]*note
}

// note is one command under way.
type note struct {
	label Label
	used  int
}

// Attach returns e with the label of the command it shows, if one is known
// just now; each call counts as one use of that label.
func (l *Labels) Attach(e Event) Event {
	if e.Kind != Command && e.Kind != Handshake {
		return e
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var least *note
	if len(l.under) > 0 {
		for _, n := range l.under[fingerprint(e.Name, e.Args, e.More)] {
			if least == nil || n.used < least.used {
				least = n
			}
		}
	}
	if least != nil {
		least.used++
		e.Label = least.label
	}
	return e
}

// Sink labels events on their way to next. It suits a wire that does not ask
// for labels itself; such a wire must hand over an event before its reply goes
// on to the program, for then the command is no longer under way.
func (l *Labels) Sink(next Sink) Sink {
	return func(e Event) { next(l.Attach(e)) }
}

// Hook returns the hook that notes labels; add it to the client whose wire is
// watched. It costs a lock and a hash per command.
func (l *Labels) Hook() redis.Hook { return labelHook{l} }

type labelHook struct{ labels *Labels }

// DialHook changes nothing.
func (h labelHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook notes the command's label while it is under way, retries
// included.
func (h labelHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		defer h.labels.note(ctx, cmd)()
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook does the same for each command of a pipeline.
func (h labelHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		defer h.labels.note(ctx, cmds...)()
		return next(ctx, cmds)
	}
}

// note registers the commands and returns what takes them back. Commands
// without a label are noted too, or they would be given that of an equal one.
func (l *Labels) note(ctx context.Context, cmds ...redis.Cmder) func() {
	label := labelOf(ctx)
	sums := make([]uint64, len(cmds))
	notes := make([]*note, len(cmds))
	for i, cmd := range cmds {
		sums[i] = fingerprint(picture(cmd.Args()))
		notes[i] = &note{label: label}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under == nil {
		l.under = map[uint64][]*note{}
	}
	for i, s := range sums {
		l.under[s] = append(l.under[s], notes[i])
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, s := range sums {
			l.under[s] = without(l.under[s], notes[i])
			if len(l.under[s]) == 0 {
				delete(l.under, s)
			}
		}
	}
}

func without(notes []*note, gone *note) []*note {
	for i, n := range notes {
		if n == gone {
			return append(notes[:i:i], notes[i+1:]...)
		}
	}
	return notes
}

// fingerprint is FNV-1a over what an event keeps of a command. A separator
// that cannot be part of a length keeps "a","bc" apart from "ab","c".
func fingerprint(name string, args []string, more int) uint64 {
	h := uint64(14695981039346656037)
	add := func(s string) {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h = (h ^ uint64(len(s)+256)) * 1099511628211
	}
	add(name)
	for _, a := range args {
		add(a)
	}
	return (h ^ uint64(more)) * 1099511628211
}

// picture is what an event would keep of a command with these arguments.
func picture(all []any) (name string, args []string, more int) {
	if len(all) == 0 {
		return "", nil, 0
	}
	name = strings.ToUpper(argText(all[0]))
	all = all[1:]
	more = max(0, len(all)-MaxArgs)
	args = make([]string, len(all)-more)
	for i := range args {
		args[i] = Cut(argText(all[i]))
	}
	Mask(name, args)
	return name, args, more
}

// argText is an argument as go-redis puts it on the wire.
func argText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	case bool:
		if v {
			return "1"
		}
		return "0"
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 64)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case time.Duration:
		return strconv.FormatInt(v.Nanoseconds(), 10)
	case encoding.BinaryMarshaler:
		b, _ := v.MarshalBinary() // go-redis reports the error; nothing is sent then
		return string(b)
	case net.IP:
		return string(v)
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer {
		if r.IsNil() {
			return argText(reflect.Zero(r.Type().Elem()).Interface())
		}
		return argText(r.Elem().Interface())
	}
	return fmt.Sprint(v)
}
