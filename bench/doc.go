// Package bench measures what this repository builds on: how fast a server
// starts, and how many GETs a second go-redis reaches one by one and
// auto-pipelined. Packages of kit and their peers join as they are built, side
// by side in one run: cache is the command for kit/cache.
//
// Run it by make bench. The figures hold for the machine they were taken on;
// only ratios of one run travel.
package bench
