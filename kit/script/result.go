package script

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Result is what a script answered. Its methods read the reply as one type and
// return three values: the reply, whether there was one (a script that returns
// nil or false answers nothing), and the error of the run. redis.Nil is never
// among the errors.
//
// The numbers of Lua become integers on their way out, their fraction is cut
// off: a script that means 3.14 returns tostring(3.14), and the caller reads
// it with Float64.
//
// A *Result of a Batch is filled when the batch is executed; until then each
// method answers ErrNotExecuted. A Result is not changed after that and may be
// read by many goroutines.
type Result struct {
	name string // of the script, for errors
	val  any    // nil for no value
	err  error
}

// newResult takes over what go-redis has for a command.
func newResult(name string, val any, err error) Result {
	if errors.Is(err, redis.Nil) {
		val, err = nil, nil
	}
	return Result{name: name, val: val, err: err}
}

// Err returns the error of the run: nil if the script ran, whatever it answered.
func (r Result) Err() error { return r.err }

// Int64 reads an integer, or a string that holds one.
func (r Result) Int64() (int64, bool, error) { return read(r, "an integer", asInt64) }

// Float64 reads a number from a string (a Lua number with a fraction travels
// as one), or an integer.
func (r Result) Float64() (float64, bool, error) { return read(r, "a number", asFloat64) }

// Bool reads the integers 1 and 0, which is how a script says true and false:
// Lua's own false is sent as no reply at all.
func (r Result) Bool() (bool, bool, error) { return read(r, "1 or 0", asBool) }

// Text reads a string. Bytes come as they are, valid UTF-8 or not.
func (r Result) Text() (string, bool, error) { return read(r, "a string", asText) }

// Values reads an array. Its elements are int64, string, nil or []any; what
// follows a nil inside a Lua table is never sent.
func (r Result) Values() ([]any, bool, error) { return read(r, "an array", asValues) }

// Int64s reads an array of integers. A nil element is an error.
func (r Result) Int64s() ([]int64, bool, error) {
	return read(r, "an array of integers", elements(asInt64))
}

// Strings reads an array of strings. A nil element is an error.
func (r Result) Strings() ([]string, bool, error) {
	return read(r, "an array of strings", elements(asText))
}

// Scan reads an array into variables, one for each element: *int64, *int,
// *float64, *bool, *string, *[]byte, *Millis (from milliseconds) or *any. A nil
// element leaves its variable alone. An array of another length is ErrReply.
//
//	var allowed bool
//	var retry script.Millis
//	ok, err := take.Run(ctx, client, keys, cost).Scan(&allowed, &retry)
func (r Result) Scan(dst ...any) (ok bool, err error) {
	values, ok, err := r.Values()
	if err != nil || !ok {
		return false, err
	}
	if len(values) != len(dst) {
		return false, fmt.Errorf("script: read %s: %w: got an array of %d, want %d", r.name, ErrReply, len(values), len(dst))
	}
	for i, v := range values {
		if v == nil {
			continue
		}
		if !scan(v, dst[i]) {
			return false, fmt.Errorf("script: read %s: %w: element %d: got %s, which does not fit a %T", r.name, ErrReply, i+1, kind(v), dst[i])
		}
	}
	return true, nil
}

// read is the common part of the typed methods.
func read[T any](r Result, want string, as func(any) (T, bool)) (v T, ok bool, err error) {
	if r.err != nil || r.val == nil {
		return v, false, r.err
	}
	v, ok = as(r.val)
	if !ok {
		var zero T
		return zero, false, fmt.Errorf("script: read %s: %w: got %s, want %s", r.name, ErrReply, kind(r.val), want)
	}
	return v, true, nil
}

func asInt64(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	}
	return 0, false
}

func asFloat64(v any) (float64, bool) {
	switch v := v.(type) {
	case float64: // a script that chose redis.setresp(3)
		return v, true
	case int64:
		return float64(v), true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

func asBool(v any) (bool, bool) {
	if b, ok := v.(bool); ok { // a script that chose redis.setresp(3)
		return b, true
	}
	n, ok := asInt64(v)
	return n == 1, ok && (n == 0 || n == 1)
}

func asText(v any) (string, bool) {
	s, ok := v.(string)
	return s, ok
}

func asValues(v any) ([]any, bool) {
	list, ok := v.([]any)
	return list, ok
}

// elements reads an array whose elements all have one type.
func elements[T any](as func(any) (T, bool)) func(any) ([]T, bool) {
	return func(v any) ([]T, bool) {
		values, ok := v.([]any)
		if !ok {
			return nil, false
		}
		list := make([]T, len(values))
		for i, v := range values {
			if list[i], ok = as(v); !ok {
				return nil, false
			}
		}
		return list, true
	}
}

// scan stores one element, and reports whether it fits.
func scan(v, dst any) (ok bool) {
	switch d := dst.(type) {
	case *int64:
		*d, ok = asInt64(v)
	case *int:
		var n int64
		n, ok = asInt64(v)
		*d = int(n)
	case *float64:
		*d, ok = asFloat64(v)
	case *bool:
		*d, ok = asBool(v)
	case *string:
		*d, ok = asText(v)
	case *[]byte:
		var s string
		s, ok = asText(v)
		*d = []byte(s)
	case *Millis:
		var n int64
		n, ok = asInt64(v)
		*d = millis(n)
	case *any:
		*d, ok = v, true
	}
	return ok
}

// kind names the type of a reply as Redis does.
func kind(v any) string {
	switch v := v.(type) {
	case int64:
		return "an integer"
	case string:
		return "a string"
	case []any:
		kinds := make([]string, 0, 4)
		for i, e := range v {
			if i == cap(kinds)-1 && len(v) > cap(kinds) {
				kinds = append(kinds, "…")
				break
			}
			kinds = append(kinds, kind(e))
		}
		return "an array [" + strings.Join(kinds, ", ") + "]"
	case nil:
		return "nil"
	default:
		return fmt.Sprintf("a %T", v)
	}
}
