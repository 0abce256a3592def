// Package progress remembers which units a learner has started and passed.
//
// It is one JSON file, $XDG_STATE_HOME/grind/progress.json, or
// ~/.local/state/grind/progress.json:
//
//	{"version":1,"units":{"1.01":{"status":"passed","attempts":3,…}}}
//
// # Guarantees
//
// An update reads, changes and replaces the file under a lock, so several
// processes lose nothing of each other. The file is replaced by a rename after it
// was written to disk: a crash leaves the old or the new one. Units and fields
// that this program does not know are kept as they are. A file that cannot be
// read, or that a newer program wrote, is never overwritten.
package progress
