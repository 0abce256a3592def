package picture

// The bounds of a picture.
const (
	MaxItems = 50  // members, fields, elements, entries
	MaxBytes = 400 // of one value
)

// Key is one key at one moment.
type Key struct {
	Name string `json:"name"` // as people read it, without the run's prefix
	// Type is string, hash, list, set, zset or stream, "none" for a key that is not
	// there, or the name that a module gave its own type.
	Type string `json:"type"`
	// Encoding is how the server stores it, such as listpack; empty where the
	// server does not tell.
	Encoding string `json:"encoding,omitempty"`
	// TTL is in milliseconds; -1 means that it never expires, or is not there.
	TTL int64 `json:"ttl_ms"`
	// Length is the number of items, or of bytes of a string; 0 for a module's type.
	Length int64 `json:"length"`
	// Items holds what is in it, at most MaxItems; More says how many were left out.
	// A string is one item, even the empty one.
	Items []Item `json:"items,omitempty"`
	More  int64  `json:"more,omitempty"`
	// Groups are the consumer groups of a stream.
	Groups []Group `json:"groups,omitempty"`
}

// Item is one part of a key: the value of a string, a field of a hash, an
// element of a list, a member with its score, an entry of a stream.
type Item struct {
	// Name is the field of a hash, the index in a list, the rank in a sorted set
	// (from 0, the lowest score first), or the id of an entry.
	Name string `json:"name,omitempty"`
	// Value is cut at MaxBytes, and then ends in "…"; bytes that cannot be printed
	// are escaped as in Go: \x00, \n. An entry reads "field=value field=value".
	Value string `json:"value"`
	Score string `json:"score,omitempty"` // of a sorted set's member
}

// Group is a consumer group of a stream.
type Group struct {
	Name    string `json:"name"`
	Last    string `json:"last"`    // last delivered id
	Pending int64  `json:"pending"` // delivered, not acknowledged
	Lag     int64  `json:"lag"`     // not delivered yet; -1 when the server cannot tell
}
