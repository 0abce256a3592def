package keys

import "strings"

// Slots is the number of hash slots of a Redis Cluster.
const Slots = 16384

// Slot returns the hash slot of a key, as CLUSTER KEYSLOT does: CRC16 (the
// XMODEM variant: polynomial 0x1021, initial value 0) of the hash tag, or of
// the whole key without one, modulo 16384.
//
// Source: Redis Cluster specification, "Key distribution model" and "Hash tags",
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/.
func Slot(key string) uint16 {
	return crc16(tag(key)) % Slots
}

// SameSlot reports whether all keys fall into one slot, so that one command,
// script or transaction may use them together in a cluster. No key and one key
// do.
func SameSlot(keys ...string) bool {
	if len(keys) < 2 {
		return true
	}
	first := tag(keys[0])
	slot := crc16(first) % Slots
	for _, key := range keys[1:] {
		// Keys of one entity have the same tag: comparing is cheaper than hashing.
		if t := tag(key); t != first && crc16(t)%Slots != slot {
			return false
		}
	}
	return true
}

// tag returns the part of a key that is hashed.
func tag(key string) string {
	_, rest, ok := strings.Cut(key, "{")
	if !ok {
		return key
	}
	inner, _, ok := strings.Cut(rest, "}")
	if !ok || inner == "" {
		return key
	}
	return inner
}

// crc16 returns the CRC16/XMODEM checksum of s.
//
// It needs no table: the eight shifts that the definition makes for each byte,
// dividing by the polynomial x^16 + x^12 + x^5 + 1 (0x1021), come to three terms
// of x, the byte after its upper half was folded into the lower one.
func crc16(s string) uint16 {
	var crc uint16
	for i := range len(s) {
		x := uint16(byte(crc>>8) ^ s[i])
		x ^= x >> 4
		crc = crc<<8 ^ x<<12 ^ x<<5 ^ x
	}
	return crc
}
