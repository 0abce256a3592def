package keys

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// The value for "123456789" is the one that the cluster specification gives for
// its checksum; the others were asked of CLUSTER KEYSLOT.
func TestSlot(t *testing.T) {
	t.Parallel()
	if got, want := crc16("123456789"), uint16(0x31C3); got != want {
		t.Errorf("crc16(123456789) = %#x, want %#x", got, want)
	}
	for _, c := range []struct {
		key  string
		want uint16
	}{
		{"", 0}, {"foo", 12182}, {"{foo}bar", 12182}, {"a{foo}", 12182}, {"{foo", 13308}, {"foo{}bar", 14292},
	} {
		if got := Slot(c.key); got != c.want {
			t.Errorf("Slot(%q) = %d, want %d", c.key, got, c.want)
		}
	}
}

func TestSameSlot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keys []string
		want bool
	}{
		{nil, true},
		{[]string{"a"}, true},
		{[]string{"x:{a}:1", "x:{a}:2", "{a}"}, true},
		{[]string{"a", "b"}, false},
		{[]string{"x:{a}:1", "x:{a}:2", "x:{b}:1"}, false},
		{[]string{"cache:{}x}:v", "cache:{}x}:v:lease"}, false}, // what escaping prevents
	} {
		if got := SameSlot(c.keys...); got != c.want {
			t.Errorf("SameSlot(%q) = %v, want %v", c.keys, got, c.want)
		}
	}
}

// SameSlot compares tags first; it must agree with the slots.
func TestSameSlot_agreesWithSlot(t *testing.T) {
	t.Parallel()
	key := rapid.StringMatching(`[ab{}:]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		ks := rapid.SliceOfN(key, 2, 4).Draw(t, "keys")
		want := true
		for _, k := range ks {
			want = want && Slot(k) == Slot(ks[0])
		}
		if got := SameSlot(ks...); got != want {
			t.Fatalf("SameSlot(%q) = %v, want %v", ks, got, want)
		}
	})
}

func ExampleSlot() {
	s, _ := New("", "cache")
	fmt.Println(s.Key("user:42", "v"), Slot(s.Key("user:42", "v")) == Slot(s.Key("user:42", "lease")))
	fmt.Println(s.Key("}{", "v"), Slot(s.Key("}{", "v")) == Slot(s.Key("}{", "lease")))
	// Output:
	// cache:{user:42}:v true
	// cache:{%7D%7B}:v true
}
