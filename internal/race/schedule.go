package race

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// maxActors is how many actors a schedule can name, with one letter each.
const maxActors = 26

// The marks behind a letter.
const (
	crashMark = '!'
	lostMark  = '?'
)

// ScheduleError says that a schedule cannot be read or does not fit its
// scenario: the mistake of whoever wrote it, or a scenario that has changed
// since.
type ScheduleError struct {
	Schedule string // as text
	Step     int    // which of its steps, from 1
	Reason   string // such as "alice has ended"
}

// Error names the schedule, the step and the reason.
func (e *ScheduleError) Error() string {
	return fmt.Sprintf("race: schedule %q, step %d: %s", e.Schedule, e.Step, e.Reason)
}

// ParseSchedule reads a schedule as String writes it: "A B A? B!". Spaces may be
// left out and letters may be small. The empty text is the empty schedule, which
// shows the start. Its errors are of type *ScheduleError.
func ParseSchedule(s string) (Schedule, error) {
	var schedule Schedule
	marked := true // no letter yet that a mark could belong to
	for _, r := range s {
		var fault Fault
		switch letter := unicode.ToUpper(r); {
		case unicode.IsSpace(r):
			marked = true
			continue
		case letter >= 'A' && letter <= 'Z':
			schedule = append(schedule, Move{Actor: int(letter - 'A')})
			marked = false
			continue
		case r == crashMark:
			fault = Crash
		case r == lostMark:
			fault = LostReply
		default:
			return nil, &ScheduleError{s, len(schedule) + 1,
				fmt.Sprintf("%q is no actor: write A for the first, B for the second, ! behind it for a crash, ? for a lost reply", r)}
		}
		if marked {
			return nil, &ScheduleError{s, len(schedule) + 1, fmt.Sprintf("%q must stand behind the letter of an actor, once", r)}
		}
		schedule[len(schedule)-1].Fault = fault
		marked = true
	}
	return schedule, nil
}

// String writes the schedule as ParseSchedule reads it.
func (s Schedule) String() string {
	var b strings.Builder
	for i, m := range s {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(rune('A' + m.Actor))
		switch m.Fault {
		case Crash:
			b.WriteRune(crashMark)
		case LostReply:
			b.WriteRune(lostMark)
		}
	}
	return b.String()
}

// faults counts the steps that something befalls.
func (s Schedule) faults() int {
	n := 0
	for _, m := range s {
		if m.Fault != None {
			n++
		}
	}
	return n
}

// switches counts how often the turn passes to another actor.
func (s Schedule) switches() int {
	n := 0
	for i := 1; i < len(s); i++ {
		if s[i].Actor != s[i-1].Actor {
			n++
		}
	}
	return n
}

// simpler reports whether s is easier to follow than other: fewer steps, then
// fewer faults, then fewer switches between actors. Among equals it is the one
// that comes first, step by step: the earlier actor, and of one actor's moves a
// crash before a lost reply before none.
func (s Schedule) simpler(other Schedule) bool {
	order := cmp.Or(
		cmp.Compare(len(s), len(other)),
		cmp.Compare(s.faults(), other.faults()),
		cmp.Compare(s.switches(), other.switches()),
		slices.CompareFunc(s, other, func(a, b Move) int {
			return cmp.Or(cmp.Compare(a.Actor, b.Actor), cmp.Compare(a.rank(), b.rank()))
		}),
	)
	return order < 0
}

func (m Move) rank() int { return slices.Index([]Fault{Crash, LostReply, None}, m.Fault) }
