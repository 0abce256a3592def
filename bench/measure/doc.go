// Package measure compares ways to do the same, side by side in one run.
//
// Closed lets a number of callers each do one after the other, as fast as they
// are answered; the peers take turns, and the median of each counts. Open begins
// calls at a fixed rate, whether earlier ones have ended or not, and counts the
// time of each from when it was due, so that a pause is paid for by all that it
// held up. Every caller chooses what to ask for by a random sequence of its own,
// the same in each run: callers that step through the keys alike fall in line,
// and then whoever lets callers of one key share an answer is measured at that.
package measure
