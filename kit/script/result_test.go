package script_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redistest"
	"github.com/redis-grind/grind/kit/script"
)

// answer is what one of the typed methods returned.
type answer struct {
	Val any
	OK  bool
}

func of[T any](v T, ok bool, err error) (answer, error) { return answer{v, ok}, err }

func TestResult(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, lua string
		read      func(script.Result) (answer, error)
		want      answer
		err       error
	}{
		{"integer", `return 42`, readInt64, answer{int64(42), true}, nil},
		{"integer in a string", `return '42'`, readInt64, answer{int64(42), true}, nil},
		{"integer, cut off", `return 3.99`, readInt64, answer{int64(3), true}, nil},
		{"integer of text", `return 'x'`, readInt64, answer{int64(0), false}, script.ErrReply},
		{"integer of nil", `return nil`, readInt64, answer{int64(0), false}, nil},
		{"integer of false", `return false`, readInt64, answer{int64(0), false}, nil},
		{"integer of an array", `return {1}`, readInt64, answer{int64(0), false}, script.ErrReply},
		{"number", `return tostring(3.5)`, readFloat64, answer{3.5, true}, nil},
		{"number of an integer", `return 3`, readFloat64, answer{3.0, true}, nil},
		{"number of resp 3", `redis.setresp(3) return {double = 3.5}`, readFloat64, answer{3.5, true}, nil},
		{"number of text", `return 'x'`, readFloat64, answer{0.0, false}, script.ErrReply},
		{"true", `return 1`, readBool, answer{true, true}, nil},
		{"false", `return 0`, readBool, answer{false, true}, nil},
		{"bool of 2", `return 2`, readBool, answer{false, false}, script.ErrReply},
		{"bool of resp 3", `redis.setresp(3) return true`, readBool, answer{true, true}, nil},
		{"text", "return 'a\\0\\255'", readText, answer{"a\x00\xff", true}, nil},
		{"empty text", `return ''`, readText, answer{"", true}, nil},
		{"status", `return redis.status_reply('FINE')`, readText, answer{"FINE", true}, nil},
		{"text of an integer", `return 1`, readText, answer{"", false}, script.ErrReply},
		{"values", `return {1, 'a', {2}, false, 'z'}`, readValues, answer{[]any{int64(1), "a", []any{int64(2)}, nil, "z"}, true}, nil},
		{"no values", `return {}`, readValues, answer{[]any{}, true}, nil},
		{"values of text", `return 'a'`, readValues, answer{[]any(nil), false}, script.ErrReply},
		{"integers", `return {1, '2'}`, readInt64s, answer{[]int64{1, 2}, true}, nil},
		{"integers with nil", `return {1, false}`, readInt64s, answer{[]int64(nil), false}, script.ErrReply},
		{"strings", `return {'a', 'b'}`, readStrings, answer{[]string{"a", "b"}, true}, nil},
		{"strings of integers", `return {1, 2, 3, 4, 5}`, readStrings, answer{[]string(nil), false}, script.ErrReply},
		{"strings of nil", `return nil`, readStrings, answer{[]string(nil), false}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, protocol := range []int{2, 3} {
				if protocol == 2 && strings.HasSuffix(tt.name, "resp 3") {
					continue // a type that RESP 2 does not have
				}
				c := redistest.Client(t, func(o *redis.Options) { o.Protocol = protocol })
				got, err := tt.read(fresh(t, tt.lua).Run(t.Context(), c, nil))
				if !errors.Is(err, tt.err) || errors.Is(err, redis.Nil) {
					t.Errorf("RESP %d: got error %v, want %v", protocol, err, tt.err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("RESP %d: -want +got\n%s", protocol, diff)
				}
			}
		})
	}
}

func readInt64(r script.Result) (answer, error)   { return of(r.Int64()) }
func readFloat64(r script.Result) (answer, error) { return of(r.Float64()) }
func readBool(r script.Result) (answer, error)    { return of(r.Bool()) }
func readText(r script.Result) (answer, error)    { return of(r.Text()) }
func readValues(r script.Result) (answer, error)  { return of(r.Values()) }
func readInt64s(r script.Result) (answer, error)  { return of(r.Int64s()) }
func readStrings(r script.Result) (answer, error) { return of(r.Strings()) }

func TestResult_Scan(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	var (
		i64  int64
		i    int
		f    float64
		b    bool
		s    string
		raw  []byte
		ms   script.Millis
		v    any
		kept = "kept"
	)
	r := fresh(t, `return {1, 2, '2.5', 1, 's', 'raw', 1500, {3}, false, 'end'}`).Run(t.Context(), c, nil)
	ok, err := r.Scan(&i64, &i, &f, &b, &s, &raw, &ms, &v, &kept, new(string))
	if !ok || err != nil {
		t.Fatalf("Scan = %v, %v", ok, err)
	}
	got := []any{i64, i, f, b, s, string(raw), time.Duration(ms), v, kept}
	want := []any{int64(1), 2, 2.5, true, "s", "raw", 1500 * time.Millisecond, []any{int64(3)}, "kept"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if _, err := r.Scan(&i64); !errors.Is(err, script.ErrReply) {
		t.Errorf("Scan of ten elements into one: %v, want ErrReply", err)
	}
	one := fresh(t, `return {'x'}`).Run(t.Context(), c, nil)
	for _, dst := range []any{&i64, &i, &f, &b, &ms, s, nil} {
		if _, err := one.Scan(dst); !errors.Is(err, script.ErrReply) {
			t.Errorf("Scan of a string into %T: %v, want ErrReply", dst, err)
		}
	}
	if ok, err := fresh(t, `return nil`).Run(t.Context(), c, nil).Scan(&i64); ok || err != nil {
		t.Errorf("Scan of nothing = %v, %v; want false, nil", ok, err)
	}
}

// Lua receives exactly what was meant.
func TestArguments(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	echo := fresh(t, `return ARGV`)
	args := []any{
		"text", []byte("by\x00tes"), 1, int8(-2), int16(3), int32(4), int64(math.MinInt64),
		uint(5), uint8(6), uint16(7), uint32(8), uint64(math.MaxUint64), true, false, 2.5, float32(0.25), 1e21,
		script.Millis(1500 * time.Millisecond), script.Millis(time.Microsecond), script.Millis(-time.Microsecond), script.Millis(0),
	}
	want := []string{
		"text", "by\x00tes", "1", "-2", "3", "4", "-9223372036854775808",
		"5", "6", "7", "8", "18446744073709551615", "1", "0", "2.5", "0.25", "1000000000000000000000",
		"1500", "1", "-1", "0",
	}
	got, _, err := echo.Run(t.Context(), c, nil, args...).Strings()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestArguments_refused(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t)
	echo := fresh(t, `return ARGV`)
	for _, arg := range []any{
		nil, time.Second, time.Now(), struct{}{}, []string{"a"}, new(string), math.NaN(), math.Inf(1), float32(math.Inf(-1)), errors.New("x"),
	} {
		err := echo.Run(t.Context(), c, nil, "fine", arg).Err()
		if !errors.Is(err, script.ErrArgument) {
			t.Errorf("%T: got %v, want ErrArgument", arg, err)
			continue
		}
		if want := "ARGV[2]"; !contains(err, want) {
			t.Errorf("%T: got %q, want it to name %s", arg, err, want)
		}
	}
}
