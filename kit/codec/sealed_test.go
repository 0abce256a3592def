package codec_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/redis-grind/grind/kit/codec"
)

// keysOf returns keys with these ids, the first one primary; a key's bytes
// follow from its id.
func keysOf(t testing.TB, ids ...string) *codec.Keys {
	t.Helper()
	keys := new(codec.Keys)
	for _, id := range ids {
		if err := keys.Add(id, secret(id[0])); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// The layout that doc.go states, taken apart by hand.
func TestSealed_layout(t *testing.T) {
	t.Parallel()
	data, err := codec.Sealed(codec.Raw[string](), keysOf(t, "k1")).Encode("user:7", "hello")
	if err != nil {
		t.Fatal(err)
	}
	if want := 30 + len("k1") + len("hello"); len(data) != want || string(data[:4]) != "\x1d\x02k1" {
		t.Fatalf("got %d bytes that begin with %q, want %d that begin with format, length of id and id", len(data), data[:4], want)
	}
	block, err := aes.NewCipher(secret('k'))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	got, err := gcm.Open(nil, data[4:16], data[16:], []byte("\x1d\x02k1user:7"))
	if string(got) != "hello" || err != nil {
		t.Errorf("opened by hand: got %q, %v", got, err)
	}
}

// Not one bit can be changed, and no value moved to another key.
func TestSealed_tampered(t *testing.T) {
	t.Parallel()
	c := codec.Sealed(codec.Raw[string](), keysOf(t, "k1", "m1"))
	data, err := c.Encode("user:7", "admin=0")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"user:8", "", "user:7 ", "user:77"} {
		if got, err := c.Decode(name, data); !errors.Is(err, codec.ErrTampered) || got != "" {
			t.Errorf("moved to %q: got %q, %v, want ErrTampered", name, got, err)
		}
	}
	for i := range data {
		for bit := range 8 {
			changed := bytes.Clone(data)
			changed[i] ^= 1 << bit
			want := codec.ErrTampered
			switch {
			case i == 0:
				want = codec.ErrFormat
			case i == 1 && 2+int(changed[1])+28 > len(data):
				want = codec.ErrTruncated
			case i < 4 && string(changed[1:4]) != "\x02m1":
				want = codec.ErrUnknownKey
			}
			if got, err := c.Decode("user:7", changed); !errors.Is(err, want) || got != "" {
				t.Errorf("bit %d of byte %d: got %q, %v, want %v", bit, i, got, err, want)
			}
		}
	}
	other := new(codec.Keys)
	if err := other.Add("k1", secret(99)); err != nil {
		t.Fatal(err)
	}
	if _, err := codec.Sealed(codec.Raw[string](), other).Decode("user:7", data); !errors.Is(err, codec.ErrTampered) {
		t.Errorf("another key of the same id: got %v, want ErrTampered", err)
	}
}

// The bytes before the name in the additional data end where they say: no pair
// of id and name makes the data of another pair.
func TestSealed_nameAndID(t *testing.T) {
	t.Parallel()
	keys := new(codec.Keys)
	for _, id := range []string{"k", "kk"} {
		if err := keys.Add(id, secret(7)); err != nil { // one secret under two ids
			t.Fatal(err)
		}
	}
	c := codec.Sealed(codec.Raw[string](), keys)
	data, err := c.Encode("k:1", "v")
	if err != nil {
		t.Fatal(err)
	}
	moved := append([]byte("\x1d\x02kk"), data[3:]...)
	if got, err := c.Decode(":1", moved); !errors.Is(err, codec.ErrTampered) {
		t.Errorf("got %q, %v, want ErrTampered", got, err)
	}
}

// Equal values under equal names look different each time.
func TestSealed_nonce(t *testing.T) {
	t.Parallel()
	c := codec.Sealed(codec.Raw[string](), keysOf(t, "k1"))
	seen := map[string]bool{}
	for range 10_000 {
		data, err := c.Encode("n", "v")
		if err != nil {
			t.Fatal(err)
		}
		seen[string(data[4:16])] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("got %d nonces of 10000 calls", len(seen))
	}
}

// A rotation as Keys tells it, with two instances that are never at the same
// step: at no moment does one write what the other cannot read.
func TestKeys_rotation(t *testing.T) {
	t.Parallel()
	a, b := keysOf(t, "old"), keysOf(t, "old")
	steps := []func(*codec.Keys) error{
		func(k *codec.Keys) error { return k.Add("new", secret('n')) },
		func(k *codec.Keys) error { return k.MakePrimary("new") },
	}
	ca, cb := codec.Sealed(codec.Raw[string](), a), codec.Sealed(codec.Raw[string](), b)
	old, err := ca.Encode("user:7", "from before")
	if err != nil {
		t.Fatal(err)
	}
	both := func(when string) {
		t.Helper()
		for _, pair := range [][2]codec.Codec[string]{{ca, cb}, {cb, ca}, {ca, ca}, {cb, cb}} {
			data, err := pair[0].Encode("user:7", "v")
			if err != nil {
				t.Fatal(err)
			}
			for _, data := range [][]byte{data, old} {
				if _, err := pair[1].Decode("user:7", data); err != nil {
					t.Errorf("%s: %v", when, err)
				}
			}
		}
	}
	for i, step := range steps {
		for _, keys := range []*codec.Keys{b, a} {
			if err := step(keys); err != nil {
				t.Fatal(err)
			}
			both([]string{"added", "made primary"}[i])
		}
	}
	data, err := ca.Encode("user:7", "v")
	if err != nil || !bytes.HasPrefix(data, []byte("\x1d\x03new")) {
		t.Errorf("after the rotation it seals with %q, %v, want the new key", data[:5], err)
	}
	if err := a.Retire("old"); err != nil {
		t.Fatal(err)
	}
	if _, err := ca.Decode("user:7", old); !errors.Is(err, codec.ErrUnknownKey) || !strings.Contains(err.Error(), `"old"`) {
		t.Errorf("a key that was retired too early: got %v, want ErrUnknownKey with its id", err)
	}
	if err := a.Add("old", secret('o')); err != nil {
		t.Fatal(err)
	}
	if got, err := ca.Decode("user:7", old); got != "from before" || err != nil {
		t.Errorf("added again: got %q, %v", got, err)
	}
}

// Keys change under those who use them, and nobody sees half of a change.
func TestKeys_concurrent(t *testing.T) {
	t.Parallel()
	keys := keysOf(t, "a", "b")
	c := codec.Sealed(codec.Raw[string](), keys)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				data, err := c.Encode("n", "v")
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := c.Decode("n", data); got != "v" || err != nil {
					t.Errorf("got %q, %v", got, err)
					return
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for i := range 500 {
				if err := keys.MakePrimary([]string{"a", "b"}[i%2]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 500 { // nothing is sealed with it, so it may come and go
			if err := errors.Join(keys.Add("c", secret('c')), keys.Retire("c")); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if got := len(keys.IDs()); got != 2 {
		t.Errorf("got %d keys, want 2", got)
	}
}
