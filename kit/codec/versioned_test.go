package codec_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis-grind/grind/kit/codec"
)

// Three ages of one type.
type (
	userV0 struct{ Name string }
	userV1 struct{ First, Last string }
	user   struct {
		First, Last string
		Cents       int64
	}
)

func fromV0(old userV0) (userV1, error) {
	first, last, found := strings.Cut(old.Name, " ")
	if !found {
		return userV1{}, fmt.Errorf("no last name")
	}
	return userV1{first, last}, nil
}

func fromV1(old userV1) (user, error) { return user{old.First, old.Last, 100}, nil }

// users is what the program of today reads with: each step of the past once.
func users() codec.Codec[user] {
	return codec.Versioned(codec.CBOR[user](), 2,
		codec.From(0, codec.JSON[userV0](), func(old userV0) (user, error) {
			v1, err := fromV0(old)
			if err != nil {
				return user{}, err
			}
			return fromV1(v1)
		}),
		codec.From(1, codec.CBOR[userV1](), fromV1))
}

func TestVersioned_upgrades(t *testing.T) {
	t.Parallel()
	bare, err := codec.JSON[userV0]().Encode("k", userV0{"Ada Lovelace"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := codec.Versioned(codec.CBOR[userV1](), 1).Encode("k", userV1{"Ada", "Lovelace"})
	if err != nil {
		t.Fatal(err)
	}
	now, err := users().Encode("k", user{"Ada", "Lovelace", 100})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"before versions": bare, "1": first, "2": now} {
		if got, err := users().Decode("k", data); got != (user{"Ada", "Lovelace", 100}) || err != nil {
			t.Errorf("version %s: got %v, %v", name, got, err)
		}
	}
}

func TestVersioned_refused(t *testing.T) {
	t.Parallel()
	good, err := users().Encode("k", user{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		c    codec.Codec[user]
		data string
		want error
		text string
	}{
		{"newer", users(), "\x1c\x03" + string(good[2:]), codec.ErrNewer, "3, this program knows 2"},
		{"much newer", users(), "\x1c\xff\xff\x03\x00", codec.ErrNewer, "65535"},
		{"older", codec.Versioned(codec.CBOR[user](), 2), "\x1c\x01\xa0", codec.ErrOlder, ": 1"},
		{"before versions", codec.Versioned(codec.CBOR[user](), 2), "\xa0", codec.ErrFormat, "begins with 0xa0, want 0x1c"},
		{"version 0 in an envelope", users(), "\x1c\x00{}", codec.ErrFormat, "no version"},
		{"a version without an end", users(), "\x1c" + strings.Repeat("\xff", 11), codec.ErrFormat, "no version"},
		{"cut in the version", users(), "\x1c\x80", codec.ErrTruncated, ""},
		{"no version", users(), "\x1c", codec.ErrTruncated, ""},
		{"nothing", users(), "", codec.ErrTruncated, ""},
		{"no payload", users(), "\x1c\x02", codec.ErrTruncated, "cbor"},
		{"upgrade fails", users(), `{"Name":"Plato"}`, nil, "upgrade from version 0: no last name"},
		{"old value broken", users(), `{"Name":7}`, nil, "decode json"},
	} {
		got, err := tt.c.Decode("k", []byte(tt.data))
		if _, ok := errors.AsType[*codec.DecodeError](err); !ok || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(fmt.Sprint(err), tt.text) || got != (user{}) {
			t.Errorf("%s: got %v, %v, want %v with %q", tt.name, got, err, tt.want, tt.text)
		}
	}
}

// While instances are replaced one by one, the new one reads what the old one
// writes, and the old one sees that it must not touch what the new one wrote.
func TestVersioned_deployment(t *testing.T) {
	t.Parallel()
	keys := keysOf(t, "k1")
	around := codec.Compression{Above: 1}
	before := codec.Sealed(codec.Compressed(codec.Versioned(codec.CBOR[userV1](), 1), around), keys)
	now := codec.Sealed(codec.Compressed(users(), around), keys)
	old, err := before.Encode("k", userV1{"Ada", "Lovelace"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := now.Decode("k", old); got.Cents != 100 || err != nil {
		t.Errorf("the new instance reads %v, %v", got, err)
	}
	data, err := now.Encode("k", user{"Ada", "Lovelace", 5})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := before.Decode("k", data); !errors.Is(err, codec.ErrNewer) || got != (userV1{}) {
		t.Errorf("the old instance reads %v, %v, want ErrNewer", got, err)
	}
}

// What can only be a mistake in the program stops it at its start.
func TestConstructors_panic(t *testing.T) {
	t.Parallel()
	same := codec.From(1, codec.JSON[int](), func(i int) (int, error) { return i, nil })
	ahead := codec.From(3, codec.JSON[int](), func(i int) (int, error) { return i, nil })
	negative := codec.From(-1, codec.JSON[int](), func(i int) (int, error) { return i, nil })
	for name, tt := range map[string]struct {
		make func()
		want string
	}{
		"version 0":         {func() { codec.Versioned(codec.JSON[int](), 0) }, "a version must be at least 1, got 0"},
		"two upgrades":      {func() { codec.Versioned(codec.JSON[int](), 2, same, same) }, "the only one from a version of 0 to 1, got 1"},
		"upgrade ahead":     {func() { codec.Versioned(codec.JSON[int](), 2, ahead) }, "got 3"},
		"negative upgrade":  {func() { codec.Versioned(codec.JSON[int](), 2, negative) }, "got -1"},
		"no keys":           {func() { codec.Sealed(codec.JSON[int](), nil) }, "Sealed needs keys"},
		"negative Max":      {func() { codec.Compressed(codec.JSON[int](), codec.Compression{Max: -1}) }, "Compression.Max must not be negative, got -1"},
		"nothing to seal":   {func() { codec.Sealed[int](nil, keysOf(t, "k")) }, "got nil"},
		"nothing to shrink": {func() { codec.Compressed[int](nil, codec.Compression{}) }, "got nil"},
		"nothing to count":  {func() { codec.Versioned[int](nil, 1) }, "got nil"},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, tt.want) {
					t.Errorf("%s: panic %q, want %q", name, got, tt.want)
				}
			}()
			tt.make()
		}()
	}
}
