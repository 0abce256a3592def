package cache

import (
	"encoding/binary"
	"math"
	"time"
)

// An entry in Redis is a header of headerSize bytes and the payload that the
// codec made:
//
//	0      format, 1
//	1      flags: 1 for "there is no such value"
//	2..9   id: the token of the load or write that made the entry
//	10..15 created: when that began
//	16..21 fresh until
//	22..25 how long the load took, microseconds
//
// Times are milliseconds of Redis's clock, big-endian. acquire.lua reads the
// header too.
const (
	headerSize   = 26
	format       = 1
	formats      = 32 // below it, a greater first byte is a format to come
	flagNegative = 1
	idAt, idSize = 2, 8
)

// entryID is the token of the load or write that made an entry.
type entryID [idSize]byte

// header is what an entry says about itself.
type header struct {
	id       entryID
	negative bool
	created  int64 // ms, Redis's clock
	fresh    int64 // ms, Redis's clock: until then
	took     time.Duration
}

// left is how long the entry is fresh from now, the time at Redis; negative if it
// is not.
func (h header) left(now int64) time.Duration { return time.Duration(h.fresh-now) * time.Millisecond }

// append puts the header behind dst.
func (h header) append(dst []byte) []byte {
	var flags byte
	if h.negative {
		flags = flagNegative
	}
	dst = append(dst, format, flags)
	dst = append(dst, h.id[:]...)
	dst = append48(dst, h.created)
	dst = append48(dst, h.fresh)
	took := min(max(h.took.Microseconds(), 0), math.MaxUint32)
	return binary.BigEndian.AppendUint32(dst, uint32(took))
}

// parseHeader takes an entry apart. It reports false for anything that this
// version of the package did not write.
func parseHeader(data []byte) (h header, payload []byte, ok bool) {
	if len(data) < headerSize || data[0] != format {
		return header{}, nil, false
	}
	return header{
		id:       entryID(data[idAt : idAt+idSize]),
		negative: data[1]&flagNegative != 0,
		created:  uint48(data[10:]),
		fresh:    uint48(data[16:]),
		took:     time.Duration(binary.BigEndian.Uint32(data[22:])) * time.Microsecond,
	}, data[headerSize:], true
}

// idOf returns what acquire.lua takes for the id of an entry, be it one or not.
func idOf(data []byte) string {
	return string(data[min(idAt, len(data)):min(idAt+idSize, len(data))])
}

func append48(dst []byte, n int64) []byte {
	return append(dst, byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func uint48(b []byte) int64 {
	return int64(b[0])<<40 | int64(b[1])<<32 | int64(b[2])<<24 | int64(b[3])<<16 | int64(b[4])<<8 | int64(b[5])
}

// Entry is what a loader of FetchWith may say about what it loads. It belongs
// to the loader while that runs, and is not safe for concurrent use.
type Entry struct {
	ttl     time.Duration
	tags    []string
	noStore bool
}

// Tag adds tags by which InvalidateTag finds the entry. Any bytes are allowed.
func (e *Entry) Tag(tags ...string) { e.tags = append(e.tags, tags...) }

// TTL sets how long this entry is fresh, in place of Options.TTL or
// Options.NegativeTTL; jitter is still added. Zero and negative mean NoStore.
func (e *Entry) TTL(ttl time.Duration) {
	e.ttl = ttl
	e.noStore = e.noStore || ttl <= 0
}

// NoStore keeps the entry from being stored: it is for the callers who wait for
// it now.
func (e *Entry) NoStore() { e.noStore = true }
