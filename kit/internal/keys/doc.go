// Package keys builds the Redis keys of the toolkit. Every key has one shape:
//
//	<prefix>:{<entity>}:<part>
//
// The prefix says which package and which application a key belongs to, the
// entity is the user's value (a session id, a lock's name), and the part tells
// apart the keys that one entity needs (its value, its lease, its tags).
//
// # When to use
//
// In every package of the toolkit that writes a key, and nowhere else: an
// application passes entities, never keys.
//
// # Design
//
// Redis Cluster hashes only what stands between the first "{" of a key and the
// next "}" after it, if that is not empty ([the hash tag rule]). All parts of an
// entity therefore share a slot, and a script or a transaction may touch them
// together, as long as no entity can open, close or empty the tag. So entities
// are escaped as in a URL, but only where they must be:
//
//	{  becomes  %7B
//	}  becomes  %7D
//	%  becomes  %25
//	"" becomes  %empty
//
// The rule is reversible, it leaves usual entities as they are, and they stay
// readable in redis-cli. Left alone, cache:{}x}:v and cache:{}x}:v:lease would
// fall into two slots, since "{}" is no tag at all and the whole key is hashed.
//
// A prefix also stands in ACL rules (~cache:*), SCAN patterns and CLIENT
// TRACKING prefixes; it may hold printable characters other than spaces, braces
// and the pattern signs * ? [ ] \.
//
// # Guarantees
//
// Two different pairs of entity and part never make the same key, whatever
// bytes they hold; Entity gives back what Key was given. Parts are not escaped:
// behind the tag nothing can change the slot.
//
// # Caveats
//
// Slots are computed for Redis Cluster. On a single server every key may be
// used with every other; the toolkit keeps to one slot there too, so that a
// program which works on one server works on a cluster.
//
// [the hash tag rule]: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
package keys
