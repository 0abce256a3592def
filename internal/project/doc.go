// Package project checks an application from outside: the projects of phase 9,
// which a learner builds in any language.
//
// # Design
//
// The application runs as two instances and knows three addresses, which it gets
// by its environment: REDIS_URL, ORIGIN_URL and ADDR. grind owns what is behind
// the first two. Redis is a lab.Server: each command is seen on the wire, and
// Redis can be paused, cut or killed. The origin is an HTTP service that the
// project plays; it holds the truth and counts who asks for it. So what a
// milestone says about cost was counted by us, not claimed by the application.
//
// A project is a list of milestones, in the order in which a person would reach
// them. Each drives the instances over HTTP and judges answers, cost and what is
// left in Redis. The first that is not reached ends the check: one thing at a
// time is to be mended.
//
// The addresses of Redis and of the origin stay the same from check to check, so
// the learner's instances may go on running. Both are there only while a check
// runs: an instance has to live without them, which is also what its first
// milestones in production will be.
//
// # Guarantees
//
// What a check started is gone when it ends: the Redis server, the origin, and
// the instances if it started those. Instances that it started also end when grind
// is killed. Everything listens on 127.0.0.1.
package project
