package codec_test

import (
	"bytes"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/redis-grind/grind/kit/codec"
)

// everything has a field of each kind that a value has.
type everything struct {
	Bool     bool           `json:"bool"`
	Int      int64          `json:"int"`
	Small    int8           `json:"small"`
	Uint     uint64         `json:"uint,omitempty"`
	Float    float64        `json:"float"`
	Float32  float32        `json:"float32"`
	Text     string         `json:"text"`
	Bytes    []byte         `json:"bytes"`
	Array    [3]int         `json:"array"`
	Texts    []string       `json:"texts"`
	Map      map[string]int `json:"map"`
	Numbers  map[int]string `json:"numbers"`
	Pointer  *int           `json:"pointer"`
	Inner    inner          `json:"inner"`
	Inners   []inner        `json:"inners"`
	Time     time.Time      `json:"time"`
	Duration time.Duration  `json:"duration"`
	Addr     netip.Addr     `json:"addr"`
	Colour   colour         `json:"colour"`
}

type inner struct {
	Name string `json:"name"`
	Next *inner `json:"next"`
}

// colour is one of the types that have no exported fields and a text.
type colour struct{ name string }

func (c colour) MarshalText() ([]byte, error) { return []byte(c.name), nil }

func (c *colour) UnmarshalText(text []byte) error {
	c.name = string(text)
	return nil
}

// anything draws an everything. Text is valid UTF-8, which JSON demands.
func anything(t *rapid.T) everything {
	v := everything{
		Bool: rapid.Bool().Draw(t, "bool"), Int: rapid.Int64().Draw(t, "int"), Small: rapid.Int8().Draw(t, "small"),
		Uint: rapid.Uint64().Draw(t, "uint"), Float: rapid.Float64().Draw(t, "float"), Float32: rapid.Float32().Draw(t, "float32"),
		Text: rapid.String().Draw(t, "text"), Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"),
		Array: [3]int(rapid.SliceOfN(rapid.Int(), 3, 3).Draw(t, "array")), Texts: rapid.SliceOf(rapid.String()).Draw(t, "texts"),
		Map:     rapid.MapOf(rapid.String(), rapid.Int()).Draw(t, "map"),
		Numbers: rapid.MapOf(rapid.Int(), rapid.String()).Draw(t, "numbers"),
		Inner:   inner{rapid.String().Draw(t, "name"), &inner{Name: "next"}},
		// Years that RFC 3339 has, in another zone than the machine's.
		Time:     time.Unix(rapid.Int64Range(-1<<35, 1<<37).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(time.FixedZone("", 5400)),
		Duration: time.Duration(rapid.Int64().Draw(t, "duration")),
		Addr:     netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "addr"))),
		Colour:   colour{rapid.String().Draw(t, "colour")},
	}
	if rapid.Bool().Draw(t, "pointed") {
		v.Pointer = &v.Array[0]
		v.Inners = []inner{v.Inner, {}}
	}
	return v
}

// same compares what came back. Nil and empty are the same in some formats.
func same(want, got any) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}, colour{}))
}

// stacks returns the formats, and each way to put something around them.
func stacks[T any](t testing.TB) map[string]codec.Codec[T] {
	keys := new(codec.Keys)
	if err := keys.Add("test", secret(1)); err != nil {
		t.Fatal(err)
	}
	all := map[string]codec.Codec[T]{}
	for name, format := range map[string]codec.Codec[T]{"json": codec.JSON[T](), "cbor": codec.CBOR[T](), "messagepack": codec.MessagePack[T]()} {
		all[name] = format
		all[name+" versioned"] = codec.Versioned(format, 200)
		all[name+" compressed"] = codec.Compressed(format, codec.Compression{Above: 1})
		all[name+" sealed"] = codec.Sealed(format, keys)
		all[name+" all"] = codec.Sealed(codec.Compressed(codec.Versioned(format, 1), codec.Compression{Above: 200}), keys)
	}
	return all
}

// What is decoded is what was encoded, and keeps nothing of the bytes; encoding
// behind other bytes is the same, and leaves those as they are.
func TestCodec_laws(t *testing.T) {
	t.Parallel()
	for name, c := range stacks[everything](t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				want := anything(t)
				data, err := c.Encode("key", want)
				if err != nil {
					t.Fatal(err)
				}
				before := bytes.Clone(data)
				got, err := c.Decode("key", data)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(data, before) {
					t.Fatal("Decode changed its input")
				}
				for i := range data {
					data[i] = 0xaa
				}
				head := make([]byte, 5, 5+rapid.IntRange(0, 4000).Draw(t, "room"))
				copy(head, "head ")
				behind, err := codec.Append(head, c, "key", want)
				if err != nil || string(behind[:5]) != "head " {
					t.Fatalf("Append: %q, %v", behind[:5], err)
				}
				again, err := c.Decode("key", behind[5:])
				if err != nil {
					t.Fatal(err)
				}
				if diff := same(want, got) + same(want, again); diff != "" {
					t.Fatalf("came back otherwise (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Many callers share one codec with its buffers; each gets its own value back.
func TestCodec_concurrent(t *testing.T) {
	t.Parallel()
	for name, c := range stacks[[]product](t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					want := []product{article(i), article(i + 100)}[:1+i%2]
					for range 20 {
						data, err := c.Encode("key", want)
						if err != nil {
							t.Error(err)
							return
						}
						got, err := c.Decode("key", data)
						if diff := cmp.Diff(want, got); diff != "" || err != nil {
							t.Errorf("%v (-want +got):\n%s", err, diff)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestRaw(t *testing.T) {
	t.Parallel()
	type text string
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		data, err := codec.Raw[[]byte]().Encode("key", want)
		if err != nil || !bytes.Equal(data, want) {
			t.Fatalf("Encode(%q) = %q, %v", want, data, err)
		}
		got, err := codec.Raw[[]byte]().Decode("key", data)
		if err != nil || !bytes.Equal(got, want) || got == nil {
			t.Fatalf("Decode(%q) = %#v, %v", data, got, err)
		}
		str, err := codec.Raw[text]().Decode("key", data)
		if err != nil || str != text(want) {
			t.Fatalf("Decode(%q) = %q, %v", data, str, err)
		}
		for i := range data {
			data[i]++
		}
		if !bytes.Equal(got, want) || str != text(want) {
			t.Fatalf("the values follow their input: %q, %q, want %q", got, str, want)
		}
	})
}

// What can be stored can be read: the limits of the libraries are below what
// they write themselves.
func TestFormats_limits(t *testing.T) {
	t.Parallel()
	type value struct {
		Tree  *inner
		Many  []bool
		Pairs map[int]bool
	}
	want := value{Many: make([]bool, 140_000), Pairs: map[int]bool{}}
	for range 1_000 {
		want.Tree = &inner{Name: "n", Next: want.Tree}
	}
	for i := range 140_000 {
		want.Pairs[i] = true
	}
	for _, c := range []codec.Codec[value]{codec.JSON[value](), codec.CBOR[value](), codec.MessagePack[value]()} {
		if got := roundTrip(t, c, want); !reflect.DeepEqual(got, want) {
			t.Errorf("%T: a deep and long value came back otherwise", c)
		}
	}
}

// What the pages of the formats say about their edges.
func TestFormats_edges(t *testing.T) {
	t.Parallel()
	type edges struct {
		Text  string
		Time  time.Time
		Float float64
		Any   any
	}
	want := edges{Text: "\xff", Time: time.Date(2026, 3, 1, 2, 3, 4, 5, time.FixedZone("", 3600)), Any: int64(7)}
	for name, tt := range map[string]struct {
		codec codec.Codec[edges]
		text  string
		any   any
	}{
		"json":        {codec.JSON[edges](), "\ufffd", float64(7)},
		"cbor":        {codec.CBOR[edges](), "\xff", int64(7)},
		"messagepack": {codec.MessagePack[edges](), "\xff", int64(7)},
	} {
		got := roundTrip(t, tt.codec, want)
		if got.Text != tt.text || got.Any != tt.any || !got.Time.Equal(want.Time) {
			t.Errorf("%s: got %+v", name, got)
		}
		if _, offset := got.Time.Zone(); name != "messagepack" && offset != 3600 {
			t.Errorf("%s: the time came back with offset %d, want 3600", name, offset)
		}
		_, err := tt.codec.Encode("key", edges{Float: math.NaN()})
		if (err != nil) != (name == "json") {
			t.Errorf("%s: NaN: got %v", name, err)
		}
	}
	for name, c := range map[string]codec.Codec[any]{"cbor": codec.CBOR[any](), "messagepack": codec.MessagePack[any]()} {
		want := map[string]any{"n": int64(-7), "list": []any{"a", nil, true}}
		if diff := cmp.Diff(any(want), roundTrip(t, c, any(want))); diff != "" {
			t.Errorf("%s: an any came back otherwise (-want +got):\n%s", name, diff)
		}
		data, err := c.Encode("key", map[int]string{1: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Decode("key", data); err == nil { // as its page says
			t.Errorf("%s: a map by number in an any: got %v, want an error", name, got)
		}
	}
	if data, _ := codec.JSON[string]().Encode("key", "<a&b>"); string(data) != `"<a&b>"` {
		t.Errorf("JSON escapes what it need not: %s", data)
	}
}

// A field more or less needs no new version.
func TestFormats_fields(t *testing.T) {
	t.Parallel()
	type before struct {
		ID   int    `json:"id"`
		Gone []int  `json:"gone"`
		Name string `json:"name"`
	}
	type now struct {
		Name string `json:"name"`
		New  *int   `json:"new"`
		ID   int    `json:"id"`
	}
	news := stacks[now](t)
	for name, c := range stacks[before](t) {
		data, err := c.Encode("key", before{7, []int{1, 2}, "x"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := news[name].Decode("key", data)
		if diff := cmp.Diff(now{ID: 7, Name: "x"}, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// plain is a codec of somebody else: it has no Append, and says who it is.
type plain struct{}

func (plain) Encode(name string, v string) ([]byte, error) { return []byte(name + "=" + v), nil }

func (plain) Decode(name string, data []byte) (string, error) {
	return strings.TrimPrefix(string(data), name+"="), nil
}

// A codec of somebody else can be put inside all of ours, and gets the name.
func TestCodec_foreign(t *testing.T) {
	t.Parallel()
	keys := new(codec.Keys)
	if err := keys.Add("test", secret(1)); err != nil {
		t.Fatal(err)
	}
	c := codec.Sealed(codec.Compressed(codec.Versioned[string](plain{}, 1), codec.Compression{}), keys)
	if got := roundTrip(t, c, "value"); got != "value" {
		t.Errorf("got %q", got)
	}
	if got, err := codec.Append([]byte("head "), codec.Codec[string](plain{}), "n", "v"); string(got) != "head n=v" || err != nil {
		t.Errorf("Append = %q, %v", got, err)
	}
}

// What cannot be encoded says so, whatever is around it.
func TestEncode_refused(t *testing.T) {
	t.Parallel()
	for name, c := range stacks[chan int](t) {
		if data, err := c.Encode("key", make(chan int)); err == nil || data != nil || !strings.HasPrefix(err.Error(), "codec: encode "+strings.Fields(name)[0]+": ") {
			t.Errorf("%s: a channel: got %q, %v", name, data, err)
		}
	}
}

// roundTrip returns what comes back of v.
func roundTrip[T any](t *testing.T, c codec.Codec[T], v T) T {
	t.Helper()
	data, err := c.Encode("key", v)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decode("key", data)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// What Take returns is what Decode returns, with every codec; Raw's is a part of
// the data, and what is appended to it leaves that alone.
func TestTake(t *testing.T) {
	t.Parallel()
	data := []byte("header and value, and more")
	payload := data[len("header "):len("header and value")]
	got, err := codec.Take(codec.Raw[[]byte](), "key", payload)
	if err != nil || string(got) != "and value" {
		t.Fatalf("got %q, %v", got, err)
	}
	if &got[0] != &payload[0] {
		t.Error("Take has copied what it was given")
	}
	if _ = append(got, '!'); string(data) != "header and value, and more" {
		t.Errorf("an append has reached behind the value: %q", data)
	}
	if empty, err := codec.Take(codec.Raw[[]byte](), "key", nil); empty == nil || len(empty) != 0 || err != nil {
		t.Errorf("got %v, %v for nothing, want an empty slice as Decode gives", empty, err)
	}
	if text, err := codec.Take(codec.Raw[string](), "key", payload); text != "and value" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	for name, c := range map[string]codec.Codec[int]{"cbor": codec.CBOR[int](), "json": codec.JSON[int](), "compressed": codec.Compressed(codec.CBOR[int](), codec.Compression{})} {
		encoded, err := c.Encode("key", 4711)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := codec.Take(c, "key", encoded); n != 4711 || err != nil {
			t.Errorf("%s: got %d, %v", name, n, err)
		}
	}
}
