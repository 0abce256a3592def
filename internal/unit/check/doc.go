// Package check is what an exercise's tests are written with. Each task is one
// test:
//
//	func TestExact(t *testing.T) {
//		check.Task(t, "exact", func(c *check.C) {
//			key := c.Key("likes")
//			trips := c.RoundTrips(func() {
//				c.NoError(Like(c.Context(), c.Redis(), key), "Like")
//			})
//			if trips != 1 {
//				c.Fail("a like took %d round trips, want 1", trips)
//			}
//		})
//	}
//
// What a task says is read by a learner: Fail takes a sentence about the data, not
// about the test. A task that is not written yet (its function returns an error
// that NotImplemented recognises) says so by itself.
//
// # Design
//
// A learner's code may loop for ever, panic, or end the process, so the outcome
// of each task is written to a file as soon as it is known (GRIND_CHECK_OUT, one
// line of JSON an event), never read off the output of go test. A watchdog ends
// the process when a task does not end. What a call costs is counted on the wire:
// every client of a task goes through a tap.
//
// # Environment
//
//	GRIND_CHECK_OUT      file that the events are appended to; empty is none
//	GRIND_CHECK_REDIS    URL of the server; empty starts a private one
//	GRIND_CHECK_SEED     seed of Rand, to repeat a run; empty is a new one
//	GRIND_CHECK_TIMEOUT  longest time of one task; empty is 10s
//
// # Redis footprint
//
// Keys of a task are grind:{check-<random>}:<name> and are removed when it ends.
package check
