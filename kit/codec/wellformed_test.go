package codec

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// Each kind of head, with what is inside it; each of them ends early at each of
// its bytes, and takes no byte more.
func TestWellFormed(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"\x00", "\x7f", "\xe0", "\xff", "\xc0", "\xc2", "\xc3",
		"\x80", "\x82\x01\x02\x03\x04", "\x90", "\x92\x01\x02", "\xa0", "\xa2ab", "\xbf" + strings.Repeat("x", 31),
		"\xc4\x01a", "\xc5\x00\x01a", "\xc6\x00\x00\x00\x01a",
		"\xc7\x01\x05a", "\xc8\x00\x01\x05a", "\xc9\x00\x00\x00\x01\x05a",
		"\xca1234", "\xcb12345678",
		"\xcc1", "\xcd12", "\xce1234", "\xcf12345678", "\xd01", "\xd112", "\xd21234", "\xd312345678",
		"\xd4\x051", "\xd5\x0512", "\xd6\x051234", "\xd7\x0512345678", "\xd8\x051234567812345678",
		"\xd9\x01a", "\xda\x00\x01a", "\xdb\x00\x00\x00\x01a",
		"\xdc\x00\x01\x01", "\xdd\x00\x00\x00\x01\x01", "\xde\x00\x01\x01\x02", "\xdf\x00\x00\x00\x01\x01\x02",
		"\x92\x91\x92\x01\x81\xa1k\x90\xc0",
	} {
		if err := wellFormed([]byte(value)); err != nil {
			t.Errorf("%q: %v", value, err)
		}
		for n := range len(value) {
			if err := wellFormed([]byte(value[:n])); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q, cut to %d bytes: got %v, want ErrUnexpectedEOF", value, n, err)
			}
		}
		if err := wellFormed([]byte(value + "\xc0")); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q and a byte behind it: got %v", value, err)
		}
	}
	if err := wellFormed([]byte("\xc1")); !errors.Is(err, ErrFormat) {
		t.Errorf("0xc1: got %v, want ErrFormat", err)
	}
	if err := wellFormed([]byte(strings.Repeat("\x91", maxDepth) + "\xc0")); err != nil {
		t.Errorf("as deep as allowed: %v", err)
	}
	if err := wellFormed([]byte(strings.Repeat("\x91", maxDepth+1) + "\xc0")); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("deeper than allowed: got %v", err)
	}
}

// FuzzWellFormed holds our reading of the format against the library's.
func FuzzWellFormed(f *testing.F) {
	f.Add([]byte("\x92\x91\x92\x01\x81\xa1k\x90\xc0"))
	f.Add([]byte("\xdf\x00\x0f\x42\x40\xa1k"))
	f.Add([]byte("\xc7\x01\xff1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := bytes.NewReader(data)
		theirs := msgpack.NewDecoder(in).Skip()
		if theirs == nil && in.Len() > 0 {
			theirs = errors.New("bytes behind the value")
		}
		if ours := wellFormed(data); (ours == nil) != (theirs == nil) {
			t.Errorf("%x: we say %v, the library %v", data, ours, theirs)
		}
	})
}
