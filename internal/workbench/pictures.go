package workbench

import (
	"strconv"
	"strings"

	"github.com/redis-grind/grind/internal/picture"
)

// keysView is some keys at one moment.
type keysView struct {
	Title string
	Keys  []keyView
}

// keyView is a key with what its drawing needs.
type keyView struct {
	picture.Key
	Number bool      // a string that is a number
	Bits   []bitRow  // a short string of bytes that are no text
	Lane   []laneRow // a sorted set
	Life   *life     // of a key in a film, when it once had an end
}

// life is the time of a key in a film: what is left, and the most that there was.
type life struct{ Left, Longest, Width int64 }

type bitRow struct {
	Offset int
	Bits   []bool
}

type laneRow struct {
	Name, Value, Score string
	Width              int // of 1000
}

// maxBitmap is the longest string, in bytes, that is drawn bit by bit.
const maxBitmap = 32

func picturesOf(keys []picture.Key) []keyView {
	out := make([]keyView, 0, len(keys))
	for _, k := range keys {
		v := keyView{Key: k}
		switch k.Type {
		case "string":
			if len(k.Items) == 1 {
				_, err := strconv.ParseFloat(k.Items[0].Value, 64)
				v.Number = err == nil && len(k.Items[0].Value) <= 20
				v.Bits = bitsOf(k)
			}
		case "zset":
			v.Lane = laneOf(k.Items)
		}
		out = append(out, v)
	}
	return out
}

// bitsOf draws a short string whose bytes are not text as the bitmap that it
// most likely is; nil when it is text.
func bitsOf(k picture.Key) []bitRow {
	value := k.Items[0].Value
	if k.Length > maxBitmap || !strings.Contains(value, `\x`) {
		return nil
	}
	raw := unescape(value)
	if int64(len(raw)) != k.Length {
		return nil // cut, or not what it looks like
	}
	var rows []bitRow
	for i := range len(raw) {
		if i%2 == 0 {
			rows = append(rows, bitRow{Offset: i * 8})
		}
		row := &rows[len(rows)-1]
		for bit := range 8 {
			row.Bits = append(row.Bits, raw[i]>>(7-bit)&1 == 1)
		}
	}
	return rows
}

// unescape gives back the bytes of a value that was made printable.
func unescape(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		if s[0] == '\\' {
			if r, multibyte, rest, err := strconv.UnquoteChar(s, 0); err == nil {
				if multibyte {
					b.WriteRune(r)
				} else {
					b.WriteByte(byte(r))
				}
				s = rest
				continue
			}
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}

// laneOf sets members out along their scores, the greatest at full width. Scores
// below zero have no width.
func laneOf(items []picture.Item) []laneRow {
	top := 0.0
	scores := make([]float64, len(items))
	for i, item := range items {
		scores[i], _ = strconv.ParseFloat(item.Score, 64) // what is no number has no width
		top = max(top, scores[i])
	}
	rows := make([]laneRow, len(items))
	for i, item := range items {
		rows[i] = laneRow{item.Name, item.Value, item.Score, share(scores[i], top)}
	}
	return rows
}
