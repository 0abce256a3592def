// Package trace holds what the wire between a program and Redis showed: the
// events, a bounded place to collect them, the labels that say on whose behalf
// a command was sent, and the ways to print them.
//
// The wire tells the truth, the hook only labels. A client's hook sees the
// call, not the bytes: it misses retries, counts a batch of an auto-pipeline
// as it pleases, and cannot know that a reply was lost. So events come from a
// proxy on the wire (package tap), and [Labels] only adds who asked.
package trace
