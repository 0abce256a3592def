package incident2

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// judge turns what was observed into readings. It counts what people were told and what
// was so afterwards; how long anything took is told beside it, and judged never.
type judge struct {
	visitors  *visitors
	timetable *timetable
	balancer  *balancer
	began     time.Time
}

// settled is how long after the beginning the first full window ends.
const settled = window + time.Second

// begin is called once, before anything runs.
func (j *judge) begin(now time.Time) { j.began = now }

func (j *judge) judge(context.Context) []unit.Reading {
	ripe := time.Since(j.began) >= settled
	return []unit.Reading{j.crew(ripe), j.wishes(ripe), j.deploys(ripe), j.hiccups(ripe)}
}

// crew: the crew waits for those who were told that they are booked, and for nobody
// else.
func (j *judge) crew(ripe bool) unit.Reading {
	var booked, ghosts, missing int64
	refused, unshown, unknown := 0, 0, 0
	all := j.visitors.sailings.all()
	for _, s := range all {
		refused += s.refused
		unknown += s.unknown
		if !s.shown {
			unshown++
			continue
		}
		booked += s.booked
		ghosts += max(0, s.expected-s.booked)
		missing += max(0, s.booked-s.expected)
	}
	drops := len(j.visitors.strikes.struck.all())
	r := unit.Reading{
		Value: float64(ghosts + missing), Unit: "too many",
		Bad:    ghosts > 0 || missing > 0 || refused+unshown+unknown > 0,
		Enough: ripe && len(all) >= 8 && drops >= 24,
	}
	switch {
	case refused > 0:
		r.Text = fmt.Sprintf("%d passengers tried for %v and were not booked%s", refused, patience, j.why("/bookings/"))
	case unshown > 0:
		r.Text = fmt.Sprintf("of %d sailings nobody knows who is expected%s", unshown, j.why("/sailings/"))
	case missing > 0:
		r.Value, r.Unit = float64(missing), "too few"
		r.Text = fmt.Sprintf("%d of %d passengers were told that they are booked, and the crew does not wait for them", missing, booked)
	case unknown > 0:
		r.Value, r.Unit = float64(unknown), "without a booking"
		r.Text = fmt.Sprintf("%d passengers were told that they are booked, and the app finds no booking of theirs", unknown)
	case ghosts > 0:
		r.Text = fmt.Sprintf("on the last %d sailings %d passengers have booked, and the crew waits for %d; the network lost %d packets", len(all), booked, booked+ghosts, drops)
	default:
		r.Text = fmt.Sprintf("on the last %d sailings the crew waits for the %d who have booked, though the network lost %d packets", len(all), booked, drops)
	}
	return r
}

// wishes: a check-in changes that somebody is there, and nothing else.
func (j *judge) wishes(ripe bool) unit.Reading {
	wishes, lost, refused, wrong := 0, 0, 0, 0
	example := ""
	all := j.visitors.checks.all()
	for _, c := range all {
		wishes += c.wishes
		lost += c.lost
		if c.refused {
			refused++
		}
		if c.wrong != "" {
			wrong++
			example = c.wrong
		}
	}
	r := unit.Reading{Value: float64(lost), Unit: "lost", Bad: wrong > 0 || refused > 0, Enough: ripe && len(all) >= 10}
	switch {
	case refused > 0:
		r.Text = fmt.Sprintf("%d passengers tried for %v and were not checked in%s", refused, patience, j.why("/check-in/"))
	case lost > 0:
		r.Text = fmt.Sprintf("of %d wishes that were in bookings, %d are not what they were after the check-in: %s", wishes, lost, example)
	case wrong > 0:
		r.Text = example
	default:
		r.Text = fmt.Sprintf("%d passengers were checked in, and their %d wishes are still there", len(all), wishes)
	}
	return r
}

// deploys: no request meets a copy that was told to leave and does not answer.
func (j *judge) deploys(ripe bool) unit.Reading {
	away, all := j.balancer.turnedAway.all(), j.timetable.deploys.all()
	overdue, wholes := 0, 0
	for _, d := range all {
		if d.overdue {
			overdue++
		}
		if whole(d.began) {
			wholes++
		}
	}
	served := len(j.balancer.served.all())
	r := unit.Reading{
		Value: float64(len(away)), Unit: "turned away",
		Bad:    len(away) > 0 || overdue > 0,
		Enough: ripe && wholes > 0 && served >= 100,
	}
	switch {
	case len(away) > 0:
		r.Text = fmt.Sprintf("in the last %v, %d requests went to a copy that had been told to leave and %s", window, len(away), away[len(away)-1].said)
	case overdue > 0:
		r.Text = fmt.Sprintf("a copy that was told to leave was still there after %v, and was killed", limit)
	default:
		r.Text = fmt.Sprintf("%s, and each of %d requests was answered", times(len(all), "a copy was replaced"), served)
	}
	return r
}

// hiccups: nothing has to be restarted because Redis was away.
func (j *judge) hiccups(ripe bool) unit.Reading {
	restarts, all := len(j.timetable.restarts.all()), j.timetable.hiccups.all()
	r := unit.Reading{
		Value: float64(restarts), Unit: "restarts",
		Bad:    restarts > 0,
		Enough: ripe && slices.ContainsFunc(all, func(h hiccup) bool { return whole(h.began) }),
	}
	switch {
	case restarts > 0 && len(all) > 0:
		r.Text = fmt.Sprintf("the orchestrator restarted %s that said they were not alive; Redis was back, and whole the office was only %v later",
			copies(restarts), all[len(all)-1].longer.Round(100*time.Millisecond))
	case restarts > 0:
		r.Text = fmt.Sprintf("the orchestrator restarted %s that said they were not alive", copies(restarts))
	default:
		r.Text = fmt.Sprintf("%s, and no copy had to be restarted", times(len(all), "Redis was away"))
	}
	return r
}

// why is the newest thing that the office said to a request with part in its path,
// behind a colon.
func (j *judge) why(part string) string {
	for _, t := range slices.Backward(j.visitors.trouble.all()) {
		if strings.Contains(t.path, part) {
			return ": " + t.said
		}
	}
	return ""
}

func copies(n int) string {
	if n == 1 {
		return "a copy"
	}
	return fmt.Sprintf("%d copies", n)
}

// times is a sentence and how often it was so.
func times(n int, what string) string {
	if n == 1 {
		return what + " once"
	}
	return fmt.Sprintf("%s %d times", what, n)
}
