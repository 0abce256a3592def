//go:build solution

// Package exercise has a solution with a data race.
package exercise

// Value returns 1, which two goroutines write at the same time.
func Value() int {
	value := 1
	done := make(chan bool)
	for range 2 {
		go func() {
			value = 1
			done <- true
		}()
	}
	<-done
	<-done
	return value
}
