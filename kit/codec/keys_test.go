package codec_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-grind/grind/kit/codec"
)

func encoded(n byte) string { return base64.StdEncoding.EncodeToString(secret(n)) }

func TestKeys_order(t *testing.T) {
	t.Parallel()
	keys := new(codec.Keys)
	if got := keys.IDs(); len(got) != 0 {
		t.Errorf("zero Keys have %q", got)
	}
	if _, err := codec.Sealed(codec.JSON[int](), keys).Encode("n", 1); !errors.Is(err, codec.ErrNoKey) {
		t.Errorf("sealed without a key: got %v, want ErrNoKey", err)
	}
	for _, step := range []struct {
		what string
		do   func() error
		want []string
	}{
		{"add", func() error { return keys.Add("a", secret(1)) }, []string{"a"}},
		{"add", func() error { return keys.Add("b", secret(2)) }, []string{"a", "b"}},
		{"add", func() error { return keys.Add("c", secret(3)) }, []string{"a", "b", "c"}},
		{"make primary", func() error { return keys.MakePrimary("c") }, []string{"c", "a", "b"}},
		{"make primary again", func() error { return keys.MakePrimary("c") }, []string{"c", "a", "b"}},
		{"retire", func() error { return keys.Retire("a") }, []string{"c", "b"}},
		{"retire again", func() error { return keys.Retire("a") }, []string{"c", "b"}},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.what, err)
		}
		if diff := cmp.Diff(step.want, keys.IDs()); diff != "" {
			t.Errorf("%s: ids (-want +got):\n%s", step.what, diff)
		}
	}
	for what, do := range map[string]func() error{
		"an id that is taken":        func() error { return keys.Add("b", secret(9)) },
		"an empty id":                func() error { return keys.Add("", secret(9)) },
		"a long id":                  func() error { return keys.Add(strings.Repeat("x", 33), secret(9)) },
		"an id with a colon":         func() error { return keys.Add("a:b", secret(9)) },
		"a short key":                func() error { return keys.Add("d", secret(9)[:31]) },
		"a key of zeros":             func() error { return keys.Add("d", make([]byte, 32)) },
		"retiring the primary":       func() error { return keys.Retire("c") },
		"a primary that nobody gave": func() error { return keys.MakePrimary("a") },
	} {
		if err := do(); !errors.Is(err, codec.ErrKeys) {
			t.Errorf("%s: got %v, want ErrKeys", what, err)
		}
		if diff := cmp.Diff([]string{"c", "b"}, keys.IDs()); diff != "" {
			t.Errorf("%s changed the keys (-want +got):\n%s", what, diff)
		}
	}
	if err := keys.MakePrimary("a"); !errors.Is(err, codec.ErrUnknownKey) {
		t.Errorf("a primary that nobody gave: got %v, want ErrUnknownKey", err)
	}
}

// Add copies: what the caller does with the bytes afterwards changes nothing.
func TestKeys_Add_copies(t *testing.T) {
	t.Parallel()
	key := secret(1)
	keys := new(codec.Keys)
	if err := keys.Add("a", key); err != nil {
		t.Fatal(err)
	}
	clear(key)
	data, err := codec.Sealed(codec.Raw[string](), keys).Encode("n", "v")
	if err != nil {
		t.Fatal(err)
	}
	again := new(codec.Keys)
	if err := again.Add("a", secret(1)); err != nil {
		t.Fatal(err)
	}
	if got, err := codec.Sealed(codec.Raw[string](), again).Decode("n", data); got != "v" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	one, two := "new:"+encoded(1), "old:"+encoded(2)
	for what, text := range map[string]string{
		"commas": one + "," + two, "lines": one + "\n" + two + "\n", "Windows": one + "\r\n" + two,
		"spaces": "  " + one + "   " + two, "comments": "# " + encoded(5) + "\n" + one + " # primary\n\n" + two,
	} {
		keys, err := codec.ParseKeys(text)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if diff := cmp.Diff([]string{"new", "old"}, keys.IDs()); diff != "" {
			t.Errorf("%s: ids (-want +got):\n%s", what, diff)
		}
	}
	for what, tt := range map[string]struct {
		text string
		want string
	}{
		"nothing":         {" \n # only a comment", "there are none"},
		"no id":           {one + "," + encoded(2), "entry 2 must be id:key"},
		"empty id":        {":" + encoded(2), "an id must be"},
		"not base64":      {"a:" + strings.Replace(encoded(2), "A", "!", 1), "entry 1 must be id:key with the key in base64"},
		"half a key":      {"a:" + encoded(2)[:24], "must have 32 bytes, got 18"},
		"the same twice":  {one + "," + one, `id "new" is taken`},
		"swapped":         {encoded(2) + ":a", "base64"},
		"trailing bits":   {"a:" + encoded(2)[:42] + "/=", "base64"},
		"a key as the id": {encoded(2) + ":" + encoded(3), "an id must be"},
	} {
		keys, err := codec.ParseKeys(tt.text)
		if !errors.Is(err, codec.ErrKeys) || keys != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, %v, want ErrKeys with %q", what, keys, err, tt.want)
			continue
		}
		if holdsKey(err.Error()) {
			t.Errorf("%s: the error shows a key: %v", what, err)
		}
	}
}

// holdsKey reports whether text has a piece of one of the test's keys in it, in
// any of the ways that bytes are printed.
func holdsKey(text string) bool {
	for n := range byte(10) {
		key := secret(n)[4:12]
		for _, shown := range []string{
			string(key), hex.EncodeToString(key), strings.ToUpper(hex.EncodeToString(key)),
			strings.Trim(fmt.Sprintf("%d", key), "[]"), strings.Trim(fmt.Sprintf("%#v", key), "[]byte{}"), encoded(n)[8:16],
		} {
			if strings.Contains(text, shown) {
				return true
			}
		}
	}
	return false
}

func TestKeysFrom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte("file:"+encoded(1)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if keys, err := codec.KeysFromFile(path); err != nil || keys.IDs()[0] != "file" {
		t.Errorf("KeysFromFile = %v, %v", keys, err)
	}
	if _, err := codec.KeysFromFile(path + "x"); !errors.Is(err, codec.ErrKeys) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v, want ErrKeys and ErrNotExist", err)
	}
	for _, tt := range []struct{ text, file, id, err string }{
		{"env:" + encoded(2), "", "env", ""},
		{"", path, "file", ""},
		{"env:" + encoded(2), path, "", "exclude each other"},
		{"", "", "", "there are none"},
		{encoded(2), "", "", "entry 1"},
	} {
		t.Setenv("TEST_KEYS", tt.text)
		t.Setenv("TEST_KEYS_FILE", tt.file)
		keys, err := codec.KeysFromEnv("TEST_KEYS")
		if tt.err != "" {
			if !errors.Is(err, codec.ErrKeys) || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), "TEST_KEYS") || holdsKey(err.Error()) {
				t.Errorf("%+v: got %v", tt, err)
			}
		} else if err != nil || keys.IDs()[0] != tt.id {
			t.Errorf("%+v: got %v, %v", tt, keys, err)
		}
	}
}

// No way to print Keys, or what holds them, shows a key.
func TestKeys_hidden(t *testing.T) {
	t.Parallel()
	keys, err := codec.ParseKeys("a:" + encoded(1) + ",b:" + encoded(2))
	if err != nil {
		t.Fatal(err)
	}
	holder := struct {
		Keys  *codec.Keys
		inner *codec.Keys
		Codec codec.Codec[int]
	}{keys, keys, codec.Sealed(codec.JSON[int](), keys)}
	var shown bytes.Buffer
	for _, value := range []any{keys, holder, &holder, holder.Codec, []any{keys}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%c", "%U", "%e"} {
			fmt.Fprintf(&shown, verb+"\n", value)
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "v", value)
		slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "v", value)
	}
	if holdsKey(shown.String()) {
		t.Errorf("a key is shown:\n%s", &shown)
	}
	if got, want := fmt.Sprint(keys), `keys["a" "b"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !holdsKey(fmt.Sprintf("%x", secret(1))) || !holdsKey(fmt.Sprintf("%d", secret(1))) || !holdsKey(encoded(1)) {
		t.Error("holdsKey finds nothing")
	}
}
