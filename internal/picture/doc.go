// Package picture draws keys as what they are: it reads a key of any type into
// a bounded value that the page, the terminal and JSON can show.
//
// # When to use
//
// For people who want to see what is in a handful of keys, after a step of a
// race or while an experiment runs. Not for export: a picture leaves out what is
// beyond its bounds and says how much.
//
// # Design
//
// Three pipelines read any number of keys: what each one is (TYPE, PTTL, OBJECT
// ENCODING), how long it is (STRLEN, HLEN, …), and what is in it. The length
// decides how the content is read: a hash or a set of at most MaxItems members
// in whole (HGETALL, SMEMBERS), a larger one by a single HSCAN or SSCAN. Lists,
// sorted sets and streams are read from their start (LRANGE, ZRANGE, XRANGE
// COUNT), strings by GETRANGE. Fields of a hash and members of a set are sorted,
// for Redis promises no order and a picture that jumps cannot be compared with
// the one before.
//
// # Redis footprint
//
// Three round trips for any number of keys; O(MaxItems) per key, nothing is
// written. In a compact encoding (listpack, intset) HSCAN and SSCAN return the
// whole key, which the server bounds by hash-max-listpack-entries and its
// sisters. OBJECT ENCODING does not count as an access.
//
// # Caveats
//
// The number of items is bounded, the size of one is bounded only for strings:
// fifty elements of a megabyte each are fetched in whole and then cut. The three
// reads are not atomic: a key that is written meanwhile may show a length that
// does not fit its items, and one that changed its type shows no items. Types of
// modules are named, not drawn.
package picture
