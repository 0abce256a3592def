package progress

import (
	"encoding/json"
	"time"
)

// Status is how far a unit is. It follows from the rest of its Record.
type Status string

// How far a unit can be.
const (
	New     Status = "new"     // not touched
	Started Status = "started" // touched, and nothing of the below
	Passed  Status = "passed"  // the check passed, and the solution was not shown before
	Given   Status = "given"   // the solution was shown before the check passed
)

// Record is what is known of one unit. Times are UTC and zero when the thing has
// not happened.
type Record struct {
	Status     Status    `json:"status"` // set by Store; a change to it is ignored
	Attempts   int       `json:"attempts,omitzero"`
	HintsShown int       `json:"hints_shown,omitzero"`
	Given      bool      `json:"given,omitzero"`   // the solution was shown before a pass
	Reached    []string  `json:"reached,omitzero"` // milestones of a project, by their ids; when they were checked last
	FirstAt    time.Time `json:"first_at,omitzero"`
	LastAt     time.Time `json:"last_at,omitzero"` // set by Update
	PassedAt   time.Time `json:"passed_at,omitzero"`
}

// fields are the names of Record in the file.
var fields = []string{"status", "attempts", "hints_shown", "given", "reached", "first_at", "last_at", "passed_at"}

func (r Record) status() Status {
	switch {
	case r.Given:
		return Given
	case !r.PassedAt.IsZero():
		return Passed
	case !r.FirstAt.IsZero():
		return Started
	}
	return New
}

// unit is a unit as the file has it, with all its fields.
type unit map[string]json.RawMessage

// record reads the fields that are known.
func (u unit) record() (Record, error) {
	var r Record
	text, err := json.Marshal(u)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	r.Status = r.status()
	return r, err
}

// set replaces the fields that are known and leaves the others.
func (u unit) set(r Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	for _, name := range fields {
		delete(u, name)
	}
	return json.Unmarshal(text, &u)
}
