package script

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/redis-grind/grind/kit/internal/keys"
)

// Millis is a duration that a script receives in whole milliseconds, the unit
// of PEXPIRE and of TIME arithmetic. Fractions are rounded away from zero, so
// that a positive duration never becomes 0, which PEXPIRE takes for "now".
//
//	take.Run(ctx, client, keys, script.Millis(ttl))
type Millis time.Duration

// count returns the number that is sent.
func (m Millis) count() int64 {
	n, rest := int64(m)/int64(time.Millisecond), int64(m)%int64(time.Millisecond)
	switch {
	case rest > 0:
		n++
	case rest < 0:
		n--
	}
	return n
}

// millis is the way back, from what a script answered. Numbers beyond what a
// duration can hold become the nearest that it can.
func millis(n int64) Millis {
	const limit = math.MaxInt64 / int64(time.Millisecond)
	return Millis(max(-limit, min(n, limit)) * int64(time.Millisecond))
}

// encode returns arg as go-redis sends it, or an error that says what is wrong
// with its type. The list is closed on purpose: a type that prints itself in
// some way would reach Lua as something that nobody chose.
func encode(arg any) (any, error) {
	switch v := arg.(type) {
	case string, []byte, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64:
		return arg, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case Millis:
		return v.count(), nil
	case float32:
		return finite(float64(v))
	case float64:
		return finite(v)
	case time.Duration:
		return nil, fmt.Errorf("a time.Duration has no unit on the wire: use script.Millis(d)")
	case nil:
		return nil, fmt.Errorf("it must not be nil")
	default:
		return nil, fmt.Errorf("type %T is not supported", arg)
	}
}

// finite refuses the floats that Lua would read as nil.
func finite(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%v is not a finite number", f)
	}
	return f, nil
}

// command builds "name body numkeys key… arg…" and checks what can be checked
// before anything is sent.
func command(name, body string, ks []string, args []any) ([]any, error) {
	if !keys.SameSlot(ks...) {
		return nil, fmt.Errorf("%w: %s", ErrCrossSlot, describeSlots(ks))
	}
	argv := make([]any, 0, 3+len(ks)+len(args))
	argv = append(argv, name, body, len(ks))
	for _, key := range ks {
		argv = append(argv, key)
	}
	for i, arg := range args {
		v, err := encode(arg)
		if err != nil {
			return nil, fmt.Errorf("%w: ARGV[%d]: %w", ErrArgument, i+1, err)
		}
		argv = append(argv, v)
	}
	return argv, nil
}

// describeSlots lists keys with their slots.
func describeSlots(ks []string) string {
	var b strings.Builder
	for i, key := range ks {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q in slot %d", key, keys.Slot(key))
	}
	return b.String()
}
