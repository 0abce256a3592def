//go:build !solution

// Package exercise is broken in every way: its starter passes, and has no build line.
package exercise

// Value is what the solution should return.
func Value() int { return 1 }
