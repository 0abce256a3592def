package race

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSchedule(t *testing.T) {
	for _, test := range []struct {
		text string
		want Schedule
		back string
	}{
		{"", nil, ""},
		{"A B A? B!", Schedule{{}, {Actor: 1}, {Fault: LostReply}, {Actor: 1, Fault: Crash}}, "A B A? B!"},
		{"ab\ta?  z!", Schedule{{}, {Actor: 1}, {Fault: LostReply}, {Actor: 25, Fault: Crash}}, "A B A? Z!"},
	} {
		got, err := ParseSchedule(test.text)
		if err != nil {
			t.Errorf("ParseSchedule(%q) = %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("ParseSchedule(%q) (-want +got):\n%s", test.text, diff)
		}
		if got.String() != test.back {
			t.Errorf("String = %q, want %q", got, test.back)
		}
	}
}

func TestParseSchedule_errors(t *testing.T) {
	for text, want := range map[string]string{
		"A 3":   `race: schedule "A 3", step 2: '3' is no actor: write A for the first, B for the second, ! behind it for a crash, ? for a lost reply`,
		"A É":   `step 2: 'É' is no actor`,
		"?":     `step 1: '?' must stand behind the letter of an actor, once`,
		"A ?":   `step 2: '?' must stand behind`,
		"A?! B": `step 2: '!' must stand behind`,
	} {
		_, err := ParseSchedule(text)
		if _, ok := errors.AsType[*ScheduleError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSchedule(%q) = %v, want %s", text, err, want)
		}
	}
}

func TestSchedule_simpler(t *testing.T) {
	// From the simplest on.
	sorted := []string{"A B", "B? B", "A A B", "A B B", "A B A", "B A B", "A! B B", "A? A B", "A? B A", "B! A B", "A A B B", "A B B A", "A B A B"}
	for i, a := range sorted {
		for j, b := range sorted {
			first, _ := ParseSchedule(a)
			second, _ := ParseSchedule(b)
			if got := first.simpler(second); got != (i < j) {
				t.Errorf("%q simpler than %q = %v, want %v", a, b, got, i < j)
			}
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"", "A B A? B!", "zz!", "A??", "\u2003É", "ſ", "ı"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		schedule, err := ParseSchedule(text)
		if err != nil {
			return
		}
		again, err := ParseSchedule(schedule.String())
		if err != nil || !cmp.Equal(schedule, again) {
			t.Errorf("ParseSchedule(%q) = %v, and its text gives %v, %v", text, schedule, again, err)
		}
		for _, m := range schedule {
			if m.Actor < 0 || m.Actor >= maxActors {
				t.Errorf("ParseSchedule(%q) names actor %d", text, m.Actor)
			}
		}
	})
}
