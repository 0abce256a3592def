package codec

import (
	"encoding/binary"
	"fmt"
	"io"
)

// wellFormed reports whether data is one MessagePack value and nothing else,
// nested no deeper than maxDepth, whose lengths are all true. The library
// believes what it reads: it makes a map for a million entries because five
// bytes say so, and follows nested arrays until the stack is at its end, which
// no program survives. Checked first, an element costs at least a byte.
func wellFormed(data []byte) error {
	left := int64(1)              // values that are still to come at this level
	outer := make([]int64, 0, 32) // and at those around it
	for {
		for left == 0 {
			if len(outer) == 0 {
				if len(data) > 0 {
					return fmt.Errorf("%d bytes behind the value", len(data))
				}
				return nil
			}
			left, outer = outer[len(outer)-1], outer[:len(outer)-1]
		}
		left--
		inside, size, err := head(data)
		if err != nil {
			return err
		}
		if size > int64(len(data)) {
			return io.ErrUnexpectedEOF
		}
		data = data[size:]
		if inside == 0 {
			continue
		}
		if len(outer) == maxDepth {
			return fmt.Errorf("nested deeper than %d", maxDepth)
		}
		outer, left = append(outer, left), inside
	}
}

// head reads the beginning of a value: the number of values inside it, and its
// own length without them, which may be beyond the end of data. See
// https://github.com/msgpack/msgpack/blob/master/spec.md#formats.
func head(data []byte) (inside, size int64, err error) {
	if len(data) == 0 {
		return 0, 0, io.ErrUnexpectedEOF
	}
	switch c := data[0]; {
	case c <= 0x7f || c >= 0xe0: // fixint
		return 0, 1, nil
	case c <= 0x8f: // fixmap
		return 2 * int64(c&0x0f), 1, nil
	case c <= 0x9f: // fixarray
		return int64(c & 0x0f), 1, nil
	case c <= 0xbf: // fixstr
		return 0, 1 + int64(c&0x1f), nil
	case c == 0xc1:
		return 0, 0, fmt.Errorf("%w: byte 0xc1", ErrFormat)
	case c <= 0xc3: // nil, false, true
		return 0, 1, nil
	case c <= 0xc6: // bin 8, 16, 32
		return counted(data, c-0xc4, 0, 1)
	case c <= 0xc9: // ext 8, 16, 32: length, type, data
		inside, size, err = counted(data, c-0xc7, 0, 1)
		return inside, size + 1, err
	case c == 0xca: // float 32
		return 0, 5, nil
	case c == 0xcb: // float 64
		return 0, 9, nil
	case c <= 0xcf: // uint 8, 16, 32, 64
		return 0, 1 + 1<<(c-0xcc), nil
	case c <= 0xd3: // int 8, 16, 32, 64
		return 0, 1 + 1<<(c-0xd0), nil
	case c <= 0xd8: // fixext 1, 2, 4, 8, 16
		return 0, 2 + 1<<(c-0xd4), nil
	case c <= 0xdb: // str 8, 16, 32
		return counted(data, c-0xd9, 0, 1)
	case c <= 0xdd: // array 16, 32
		return counted(data, c-0xdc+1, 1, 0)
	default: // map 16, 32
		return counted(data, c-0xde+1, 2, 0)
	}
}

// counted reads the big-endian length behind the first byte, 1 << width bytes
// wide, and takes it for so many values and so many bytes each.
func counted(data []byte, width byte, values, bytes int64) (inside, size int64, err error) {
	var n int64
	rest := data[1:]
	if len(rest) < 1<<width {
		return 0, 0, io.ErrUnexpectedEOF
	}
	switch width {
	case 0:
		n = int64(rest[0])
	case 1:
		n = int64(binary.BigEndian.Uint16(rest))
	default:
		n = int64(binary.BigEndian.Uint32(rest))
	}
	return n * values, 1 + 1<<width + n*bytes, nil
}
