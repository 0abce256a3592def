package keys

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustSpace(t testing.TB, prefix string) Space {
	t.Helper()
	s, err := New(prefix, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, prefix, fallback, want string
	}{
		{"given", "shop:cache", "cache", "shop:cache"},
		{"fallback", "", "cache", "cache"},
		{"letters of any script", "größe-ключ", "", "größe-ключ"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := New(c.prefix, c.fallback)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Prefix(); got != c.want {
				t.Errorf("Prefix() = %q, want %q", got, c.want)
			}
		})
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ prefix, names string }{
		{"", "empty"},
		{"a{b", `'{'`}, {"a}b", `'}'`},
		{"a*", `'*'`}, {"a?", `'?'`}, {"a[b", `'['`}, {"a]b", `']'`}, {`a\b`, `'\\'`},
		{"a b", `' '`}, {"a\tb", `'\t'`}, {"a\x00b", `'\x00'`}, {"a\u00a0b", `'\u00a0'`},
		{"a\xffb", "printable"},
	} {
		_, err := New(c.prefix, "")
		if !errors.Is(err, ErrPrefix) {
			t.Errorf("New(%q) = %v, want ErrPrefix", c.prefix, err)
			continue
		}
		if !strings.Contains(err.Error(), c.names) {
			t.Errorf("New(%q) = %q, want it to name %s", c.prefix, err, c.names)
		}
	}
	if _, err := New("", "bad{name"); !errors.Is(err, ErrPrefix) {
		t.Errorf("New with a bad fallback = %v, want ErrPrefix", err)
	}
}

func TestSpace_Key(t *testing.T) {
	t.Parallel()
	s := mustSpace(t, "cache")
	for _, c := range []struct{ entity, part, want string }{
		{"user:42", "v", "cache:{user:42}:v"},
		{"", "v", "cache:{%empty}:v"},
		{"%empty", "v", "cache:{%25empty}:v"},
		{"}x", "v:lease", "cache:{%7Dx}:v:lease"},
		{"{a}", "", "cache:{%7Ba%7D}:"},
		{"a", "{b}", "cache:{a}:{b}"},
		{"\x00\xff", "v", "cache:{\x00\xff}:v"},
	} {
		if got := s.Key(c.entity, c.part); got != c.want {
			t.Errorf("Key(%q, %q) = %q, want %q", c.entity, c.part, got, c.want)
		}
	}
}

func TestSpace_Entity_refuses(t *testing.T) {
	t.Parallel()
	s := mustSpace(t, "cache")
	for _, key := range []string{
		"", "cache", "cache:{", "cache:{a", "cache:{a}", "cache:{a}v", "other:{a}:v", "cache:sub:{a}:v",
		"cache:{}:v", "cache:{}x}:v", "cache:{a{b}:v", "cache:{%}:v", "cache:{%7}:v", "cache:{%7b}:v", "cache:{%41}:v",
	} {
		if entity, part, ok := s.Entity(key); ok {
			t.Errorf("Entity(%q) = %q, %q, true; want false", key, entity, part)
		}
	}
}

// pair is what a key is made of.
type pair struct{ entity, part string }

// anyPair draws pairs that are rich in the signs which could break a key.
func anyPair() *rapid.Generator[pair] {
	text := rapid.OneOf(
		rapid.StringOf(rapid.RuneFrom([]rune("{}%:7BD25a*"))),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", "%empty", "{}", "}:", "%7B", "%257B"}),
	)
	return rapid.Custom(func(t *rapid.T) pair {
		return pair{text.Draw(t, "entity"), text.Draw(t, "part")}
	})
}

// Distinct pairs never collide, and each key gives its pair back.
func TestSpace_injective(t *testing.T) {
	t.Parallel()
	s := mustSpace(t, "cache")
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyPair().Draw(t, "a"), anyPair().Draw(t, "b")
		keyA, keyB := s.Key(a.entity, a.part), s.Key(b.entity, b.part)
		if (keyA == keyB) != (a == b) {
			t.Fatalf("%+v and %+v make the keys %q and %q", a, b, keyA, keyB)
		}
		entity, part, ok := s.Entity(keyA)
		if got := (pair{entity, part}); !ok || got != a {
			t.Fatalf("Entity(%q) = %+v, %v; want %+v", keyA, got, ok, a)
		}
	})
}

// All parts of an entity share one slot.
func TestSpace_oneSlot(t *testing.T) {
	t.Parallel()
	s := mustSpace(t, "cache")
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyPair().Draw(t, "a"), anyPair().Draw(t, "b")
		keyA, keyB := s.Key(a.entity, a.part), s.Key(a.entity, b.part)
		if Slot(keyA) != Slot(keyB) || !SameSlot(keyA, keyB) {
			t.Fatalf("%q is in slot %d, %q in slot %d", keyA, Slot(keyA), keyB, Slot(keyB))
		}
	})
}

func FuzzSpace(f *testing.F) {
	s := mustSpace(f, "cache")
	f.Add("user:42", "v", "cache:{user:42}:v")
	f.Add("}x", "{}", "cache:{}x}:v")
	f.Add("", "%empty", "cache:{%empty}:")
	f.Fuzz(func(t *testing.T, entity, part, foreign string) {
		key := s.Key(entity, part)
		if e, p, ok := s.Entity(key); !ok || e != entity || p != part {
			t.Errorf("Entity(%q) = %q, %q, %v; want %q, %q", key, e, p, ok, entity, part)
		}
		if !SameSlot(key, s.Key(entity, part+"x")) {
			t.Errorf("the parts of entity %q are in two slots", entity)
		}
		// A key from elsewhere is either refused or exactly what Key builds.
		if e, p, ok := s.Entity(foreign); ok && s.Key(e, p) != foreign {
			t.Errorf("Entity(%q) = %q, %q, but Key makes %q of them", foreign, e, p, s.Key(e, p))
		}
	})
}

func TestSpace_Key_allocates(t *testing.T) {
	s := mustSpace(t, "cache")
	for _, entity := range []string{"user:42", "", "a}b{c%d"} {
		var sink string
		got := testing.AllocsPerRun(100, func() { sink = s.Key(entity, "lease") })
		if got != 1 {
			t.Errorf("Key(%q) allocates %v times, want 1 (%s)", entity, got, sink)
		}
	}
}

func BenchmarkSpace_Key(b *testing.B) {
	s := mustSpace(b, "cache")
	for name, entity := range map[string]string{"plain": "user:0123456789", "escaped": "user:{0123456789}"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = s.Key(entity, "lease")
			}
		})
	}
}

// A number has the key that its text has, and one allocation makes it.
func TestSpace_Number(t *testing.T) {
	s := mustSpace(t, "cache")
	var buffer [20]byte
	for _, n := range []int64{0, 7, -7, 1 << 40, math.MinInt64, math.MaxInt64} {
		if got, want := s.Number(strconv.AppendInt(buffer[:0], n, 10), "v"), s.Key(strconv.FormatInt(n, 10), "v"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	digits := strconv.AppendInt(buffer[:0], 4_711_000, 10)
	if got := testing.AllocsPerRun(100, func() { _ = s.Number(digits, "v") }); got > 1 {
		t.Errorf("got %v allocations, want 1", got)
	}
}
