// Package cli is grind's command line: one file a command, and no logic of their
// own. Commands read flags, call the packages that do the work, and render what
// comes back, for people or, with --json, for scripts.
//
// Exit codes: 0 done, 1 the answer is no (a check failed, a claim did not hold),
// 2 wrong usage, 3 the environment lacks something, which the message names.
package cli
