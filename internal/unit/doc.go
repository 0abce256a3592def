// Package unit says what a unit of the course is, and runs it.
//
// A Unit is a literal: metadata, parameters, claims, races, and the function of
// its experiment. Execute runs that function on a Redis and emits typed events;
// the terminal, the page and JSON are three renderings of the same events, and
// nothing else prints. Claims are the assertions of the lesson: a run is ok when
// every one of them holds over the metrics that the run has measured.
//
// # Keys
//
// A run works under keys of its own, grind:{<unit>-<random>}:<name>, which
// Run.Key builds. The braces keep them in one slot of a cluster. They are
// removed when the run ends, by name: a run never scans, flushes or touches what
// it did not name itself.
//
// # The wire
//
// Measured loads go straight to Redis. What a learner sees of the wire comes from
// a small sample of the same code through a tap (Run.Trace), since a tap costs
// time of its own. The embedded server answers counts, never timings: metrics,
// charts and claims that are marked Timing are left out there.
package unit
