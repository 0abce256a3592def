// Package bench measures this repository beside its peers, in one run on one Redis.
// Here is what everything is built on: how fast a server starts, and how many GETs a
// second go-redis reaches one by one and auto-pipelined. The commands are:
//
//	go run ./cache     kit/cache: hits in Redis and in memory, a stampede
//	go run ./catalog   apps/catalog, beside the same API in FastAPI
//	go run ./growth    what an operation of kit/cache costs among up to a million entities
//
// make bench runs them all. The figures hold for the machine they were taken on; only
// ratios of one run travel. docs/BENCHMARKS.md has the last ones.
package bench
