// Package redistest runs tests against a real Redis: one server for the tests
// of a package, and one cluster and one primary with Sentinels for those that
// ask, a prefix of its own for each test, and a count of round trips.
//
// # When to use
//
// In the tests of anything that talks to Redis. Call Main from TestMain, and in
// each test Client and Prefix:
//
//	func TestMain(m *testing.M) { redistest.Main(m) }
//
//	func TestVisits(t *testing.T) {
//		t.Parallel()
//		client, prefix := redistest.Client(t), redistest.Prefix(t)
//		…
//	}
//
// A test that pauses, kills or reconfigures a server, or looks at all its keys,
// takes a private one by Start, StartReplicaSet, StartSentinel or StartCluster.
// What must work on each topology runs on ClusterClient and SentinelClient too.
//
// # Design
//
// A fake would be faster by the 25 ms that a server takes to start, and would prove
// what the fake does. Tests share the server of their package and are kept
// apart by prefixes, so they run in parallel and never need FLUSHDB. Where no
// server is installed Main fails and says what to install; it skips nothing.
//
// Count watches the connections and not the calls: what a client merges into
// one pipeline is one round trip, what it retries is two.
//
// # Redis footprint
//
// Keys under what Prefix returned, removed when the test ends.
//
// # Guarantees
//
// The server and its directory are gone when the test binary is, also after a
// panic, a time-out or kill -9: see package redisproc.
//
// # Caveats
//
// All servers are on this machine. The package imports testing, so a program
// should use redisproc instead.
package redistest
