// Package exercise takes a learner's file through the checks of its unit, shows
// hints and solutions, and verifies that the exercises themselves are sound.
//
// # Layout
//
// An exercise is a folder beside its unit:
//
//	exercise/exercise.go    //go:build !solution   the starter: compiles, returns "not written yet"
//	exercise/solution.go    //go:build solution
//	exercise/check_test.go  //go:build exercise    its tasks, written with package check; package exercise_test
//	exercise/mutants.toml   wrong solutions that a person would write, and other right ones
//	exercise/hints.md       ## 1, ## 2, ## 3
//
// The learner's file lies in workspace/<unit>/exercise.go below the module's
// root, without a build line. Check lays it over the starter with the go tool's
// -overlay, so the source tree is never written to and the learner's file needs
// no module of its own.
//
// # Guarantees
//
// Pass means that every task of the unit reported pass by itself; what the test
// binary prints or exits with decides nothing. A check ends: each task has a
// watchdog, the test binary a limit, and the whole process group is killed when
// the context ends. Progress is recorded, but never decides a check.
package exercise
