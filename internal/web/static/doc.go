// Package static holds what every page of grind shares: the tokens and
// components of the look, and small browser modules. It serves them from the
// binary; nothing is fetched from another machine.
//
// When to use: a page links Href("css/tokens.css") and loads
// Href("js/main.js"); the server mounts Handler at Prefix.
//
// Design: an address carries a hash of the whole tree, so a browser may keep a
// file for ever and still sees a change at once, and a module's relative import
// finds its neighbour under the same hash. A file asked for without the hash
// is answered with an ETag and has to be revalidated.
package static
