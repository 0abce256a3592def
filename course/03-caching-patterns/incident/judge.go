package incident3

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// judge turns what was observed into readings. Nothing here looks at the learner's
// code, or at how it names its keys: what the windows answer, and what the head
// office was asked for it, says all.
type judge struct {
	scene  unit.Scene
	public *public
	stays  []endless
}

// settled is how long after the beginning the first full window ends.
const settled = window + time.Second

func (j *judge) judge(ctx context.Context) []unit.Reading {
	ripe := time.Since(j.public.began) >= settled
	return []unit.Reading{j.rates(ripe), j.quotes(ctx, ripe), j.sheets(ripe), j.notices(ripe)}
}

// Bounds of what the office may be asked: three to five times what right ways take.
const (
	ratesAsked   = 4  // reads of a rate for one change of it; off, they are 9
	termsAsked   = 6  // reads of a customer's terms in a visit; off, 12
	sheetsAtOnce = 4  // equal questions at one moment; one for each window would do
	sheetsMinute = 10 // sheets within a second, which is a minute here
	sheetsAsked  = 30 // and in a window
	noticesAsked = 14 // reads of a notice for one change of it; off, 20
)

// rates: a rate that was changed is not shown as it was before, and is kept.
func (j *judge) rates(ripe bool) unit.Reading {
	changes := j.public.changes.all()
	old, refused, asked, wrong := 0, 0, 0, ""
	var example rateChange
	for _, c := range changes {
		asked += c.asked
		if c.wrong != "" {
			wrong = c.wrong
		}
		if c.refused {
			refused++
		}
		if c.old > 0 {
			old++
			example = c
		}
	}
	dear := asked > ratesAsked*len(changes)
	r := unit.Reading{
		Value: float64(old), Unit: "rates came back",
		Bad:    old > 0 || refused > 0 || wrong != "" || dear,
		Enough: ripe && len(changes) >= dealers/2,
	}
	switch {
	case refused > 0:
		r.Text = fmt.Sprintf("%d of %d rates could not be changed or shown%s", refused, len(changes), j.why("/rates"))
	case wrong != "":
		r.Text = wrong
	case old > 0:
		r.Text = fmt.Sprintf("%d of %d changed rates came back: %s was changed at %s, and %s later %s shows the old one",
			old, len(changes), example.pair, windows[example.changed%2], seconds(example.after), windows[example.shown%2])
	case dear:
		r.Text = fmt.Sprintf("%d rates were changed, and for these the head office was asked %d times", len(changes), asked)
	default:
		r.Text = fmt.Sprintf("%d rates were changed, and no window showed an old one; the head office was asked %d times", len(changes), asked)
	}
	return r
}

// quotes: customers are offered their own terms, which are kept, and not for ever.
func (j *judge) quotes(ctx context.Context, ripe bool) unit.Reading {
	visits := j.public.visits.all()
	foreign, offers, refused, asked, wrong := 0, 0, 0, 0, ""
	var example visit
	for _, v := range visits {
		foreign += v.foreign
		offers += v.offers
		asked += v.asked
		if v.refused {
			refused++
		}
		if v.wrong != "" {
			wrong = v.wrong
		}
		if v.foreign > 0 {
			example = v
		}
	}
	stay, err := j.stay(ctx)
	dear := asked > termsAsked*len(visits)
	r := unit.Reading{
		Value: float64(foreign), Unit: "offers of others",
		Bad:    foreign > 0 || refused > 0 || wrong != "" || dear || stay > staysBound || err != nil,
		Enough: ripe && len(visits) >= customers,
	}
	switch {
	case err != nil:
		r.Text = "Redis does not answer: " + err.Error()
	case refused > 0:
		r.Text = fmt.Sprintf("%d of %d customers got no offer%s", refused, len(visits), j.why("/quotes"))
	case foreign > 0:
		r.Text = fmt.Sprintf("%d of %d offers had somebody else's name and terms: %s was greeted as %s", foreign, offers, example.who, example.other)
	case wrong != "":
		r.Text = wrong
	case dear:
		r.Text = fmt.Sprintf("%d customers came, and the head office was asked %d times who they are", len(visits), asked)
	case stay > staysBound:
		r.Text = fmt.Sprintf("each customer leaves something in Redis that never ends: %d keys in %s", stay, seconds(window))
	default:
		r.Text = fmt.Sprintf("%d offers, each with its customer's own terms", offers)
	}
	return r
}

// sheets: the screens get a sheet that is not old, and the office works it out once
// and not once for everybody.
func (j *judge) sheets(ripe bool) unit.Reading {
	begun, looks := j.public.office.begun.all(), j.public.screens.all()
	crowd, minute := busiest(begun)
	refused, oldest := 0, time.Duration(0)
	for _, l := range looks {
		if l.refused {
			refused++
		} else {
			oldest = max(oldest, l.age)
		}
	}
	r := unit.Reading{
		Value: float64(crowd), Unit: "equal questions at once",
		Bad:    crowd > sheetsAtOnce || minute > sheetsMinute || len(begun) > sheetsAsked || refused > 0 || oldest > sheetOld,
		Enough: ripe && len(looks) >= 2*screensEach*len(windows),
	}
	switch {
	case refused > 0:
		r.Text = fmt.Sprintf("%d of %d screens got no sheet%s", refused, len(looks), j.why("/sheet"))
	case oldest > sheetOld:
		r.Text = fmt.Sprintf("a screen shows a sheet that was made %s ago", seconds(oldest))
	case crowd > sheetsAtOnce:
		r.Text = fmt.Sprintf("the head office worked out the same sheet %d times at one moment, and %d times in %s", crowd, len(begun), seconds(window))
	case minute > sheetsMinute:
		r.Text = fmt.Sprintf("the head office worked out %d sheets in a minute", minute)
	case len(begun) > sheetsAsked:
		r.Text = fmt.Sprintf("the head office worked out %d sheets in %s", len(begun), seconds(window))
	default:
		r.Text = fmt.Sprintf("%d screens turned over, and the head office worked out %d sheets for them", len(looks), len(begun))
	}
	return r
}

// busiest returns how many sheets the office had in hand at most, and how many it began
// within a second at most.
func busiest(begun []sheetBegun) (crowd, minute int) {
	first := 0
	for i, b := range begun {
		for b.at.Sub(begun[first].at) > time.Second {
			first++
		}
		crowd, minute = max(crowd, b.crowd), max(minute, i-first+1)
	}
	return crowd, minute
}

// sheetOld: two minutes are allowed, which last two seconds here; the rest is for
// busy machines.
const sheetOld = 4 * time.Second

// notices: what was changed at one window is soon to be read at both.
func (j *judge) notices(ripe bool) unit.Reading {
	edits := j.public.edits.all()
	late, refused, asked := 0, 0, 0
	var example noticeEdit
	for _, e := range edits {
		asked += e.asked
		if e.refused {
			refused++
		}
		if e.late > 0 {
			late++
			example = e
		}
	}
	dear := asked > noticesAsked*len(edits)
	r := unit.Reading{
		Value: float64(late), Unit: "notices out of date",
		Bad:    late > 0 || refused > 0 || dear,
		Enough: ripe && len(edits) >= len(desks),
	}
	switch {
	case refused > 0:
		r.Text = fmt.Sprintf("%d of %d notices could not be changed or read%s", refused, len(edits), j.why("/notices"))
	case late > 0:
		r.Text = fmt.Sprintf("the notice of the %s desk was changed to %q at %s; %s later %s shows %q",
			example.desk, example.want, windows[example.changed%2], seconds(example.after), windows[example.shown%2], example.got)
	case dear:
		r.Text = fmt.Sprintf("%d notices were changed, and for these the head office was asked %d times", len(edits), asked)
	default:
		r.Text = fmt.Sprintf("%d notices were changed, and both windows followed", len(edits))
	}
	return r
}

// endless is how many keys without an end there were at a moment.
type endless struct {
	at   time.Time
	keys int64
}

// staysBound is how many may come in a window: things of the windows' own.
const staysBound = 8

// stay returns how many keys without an end have come in the last window.
func (j *judge) stay(ctx context.Context) (int64, error) {
	keys, err := keyspace(ctx, j.scene.Redis)
	if err != nil {
		return 0, err
	}
	now := endless{time.Now(), keys}
	j.stays = append(slices.DeleteFunc(j.stays, func(e endless) bool { return now.at.Sub(e.at) > window }), now)
	return now.keys - j.stays[0].keys, nil
}

// keyspace reads how many keys of db0 have no end.
func keyspace(ctx context.Context, rdb *redis.Client) (int64, error) {
	text, err := rdb.Info(ctx, "keyspace").Result()
	if err != nil {
		return 0, err
	}
	_, line, found := strings.Cut(text, "db0:")
	if !found {
		return 0, nil
	}
	var keys, expires int64
	if _, err := fmt.Sscanf(line, "keys=%d,expires=%d", &keys, &expires); err != nil {
		return 0, fmt.Errorf("read %q: %w", strings.TrimSpace(line), err)
	}
	return keys - expires, nil
}

// why is the newest thing that a window said to a request to path, behind a colon.
func (j *judge) why(path string) string {
	for _, t := range slices.Backward(j.public.trouble.all()) {
		if strings.HasPrefix(t.path, path) {
			return ": " + t.said
		}
	}
	return ""
}

func seconds(d time.Duration) string {
	return unit.Figure(d.Round(100*time.Millisecond).Seconds(), "s")
}
