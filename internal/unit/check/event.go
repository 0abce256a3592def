package check

import (
	"encoding/json"
	"os"
)

// Names of the environment variables that a check is run with.
const (
	EnvOut     = "GRIND_CHECK_OUT"
	EnvRedis   = "GRIND_CHECK_REDIS"
	EnvSeed    = "GRIND_CHECK_SEED"
	EnvTimeout = "GRIND_CHECK_TIMEOUT"
)

// Status is how a task ended.
type Status string

// How a task can end.
const (
	Pass  Status = "pass"
	Fail  Status = "fail"  // the code ran, and the data are wrong
	Error Status = "error" // the code did not run to its end
)

// Event is one line of the file named by GRIND_CHECK_OUT. A task has two: "start"
// with its name alone, and "end" with the rest. A task without an end ended the
// process.
type Event struct {
	Event      string `json:"event"`
	Task       string `json:"task"`
	Status     Status `json:"status,omitempty"`
	Message    string `json:"message,omitempty"`     // the sentence a learner reads; empty at a pass
	Note       string `json:"note,omitempty"`        // what a pass does not cover: a race that was cut short
	RoundTrips int    `json:"round_trips,omitempty"` // of the dearest call that was measured
	Seed       int64  `json:"seed,omitempty"`
	Millis     int64  `json:"millis,omitempty"`
}

// report appends an event to the file of the run, in one write, so that the
// lines of several processes do not mix. Without a file it does nothing.
func report(e Event) error {
	name := os.Getenv(EnvOut)
	if name == "" {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		_ = f.Close() // the write's error says more
		return err
	}
	return f.Close()
}
