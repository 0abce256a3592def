package incident2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// checkedIn is one passenger who booked at the counter, asked for something in the app,
// and was checked in.
type checkedIn struct {
	wishes  int    // that were in the booking before
	lost    int    // of these, afterwards
	refused bool   // was never checked in
	wrong   string // what else is not as it should be, or one wish that was lost
}

// walkIn sends somebody to the counter four times a second.
func (v *visitors) walkIn(ctx context.Context) {
	v.crowd(ctx, 250*time.Millisecond, 40, func(n int) {
		if c := v.checkIn(ctx, fmt.Sprintf("w%d", n), names[n%len(names)]); ctx.Err() == nil {
			v.checks.add(c)
		}
	})
}

func (v *visitors) checkIn(ctx context.Context, number, person string) (c checkedIn) {
	if !v.insist(ctx, walkIn, http.MethodPost, "/sailings/day-trip/bookings/"+number, url.Values{"name": {person}}, nil) {
		return checkedIn{refused: true}
	}
	wishes := wishesOf(rand.N(3) + 1)
	c.wishes = len(wishes)
	if err := v.wish(ctx, number, wishes); err != nil {
		c.wrong = err.Error()
		return c
	}
	if !v.insist(ctx, walkIn, http.MethodPost, "/check-in/"+number, nil, nil) {
		return checkedIn{refused: true}
	}
	var shown struct {
		Name      string `json:"name"`
		CheckedIn bool   `json:"checked_in"`
	}
	if !v.insist(ctx, walkIn, http.MethodGet, "/check-in/"+number, nil, &shown) {
		return checkedIn{refused: true}
	}
	got, err := v.booking(ctx, number)
	if err != nil {
		c.wrong = err.Error()
		return c
	}
	c.lost, c.wrong = lost(wishes, got)
	switch {
	case c.lost > 0:
	case string(got["checked_in"]) != "true" || !shown.CheckedIn:
		c.wrong = number + " was checked in, and is not in the booking"
	case string(got["name"]) != fmt.Sprintf("%q", person) || shown.Name != person:
		c.wrong = "the name in the booking of " + number + " is another one"
	}
	return c
}

// wish is the app, a newer program, which another team owns: it puts what a passenger
// asks for into the booking.
func (v *visitors) wish(ctx context.Context, number string, wishes map[string]json.RawMessage) error {
	fields, err := v.booking(ctx, number)
	if err != nil {
		return err
	}
	maps.Copy(fields, wishes)
	text, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return v.redis.Set(ctx, "booking:"+number, text, redis.KeepTTL).Err()
}

// booking is what the app finds.
func (v *visitors) booking(ctx context.Context, number string) (map[string]json.RawMessage, error) {
	key := "booking:" + number
	text, err := v.redis.Get(ctx, key).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, fmt.Errorf("the app finds no %s", key)
	case err != nil:
		return nil, fmt.Errorf("the app cannot read %s: %w", key, err)
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("the app cannot read %s: it is no JSON object", key)
	}
	return fields, nil
}

// The app is released twice a week, and asks for something else each time.
var (
	things  = strings.Fields("dog wheelchair bicycle pram surfboard cello trailer kayak hamster ramp cabin meal")
	details = strings.Fields("asked size weight ref deck note since with")
)

// wishesOf makes up n wishes. Nobody can know their names beforehand, nor what is in
// them; a reference is a number too large for a float.
func wishesOf(n int) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for len(out) < n {
		thing := things[rand.N(len(things))]
		values := []string{
			"true", `"large"`, "17.5", fmt.Sprint(1<<53 + 1 + 2*rand.Int64N(1000)), `["deck 2","deck 3"]`,
			`"by the window, if there is one"`, `{"day":3,"month":"May"}`, "[]",
		}
		kind := rand.N(len(details))
		out[thing+"_"+details[kind]] = json.RawMessage(values[kind])
	}
	return out
}

// lost counts the wishes that are not what they were, and tells of one.
func lost(wishes, got map[string]json.RawMessage) (n int, example string) {
	for _, name := range slices.Sorted(maps.Keys(wishes)) {
		now, there := got[name]
		switch {
		case !there:
			example = fmt.Sprintf("%s is gone", name)
		case !same(wishes[name], now):
			example = fmt.Sprintf("%s was %s and is %s", name, wishes[name], now)
		default:
			continue
		}
		n++
	}
	return n, example
}

// same says that two texts are the same JSON, numbers to the last digit.
func same(a, b json.RawMessage) bool {
	var x, y any
	for text, into := range map[*json.RawMessage]*any{&a: &x, &b: &y} {
		d := json.NewDecoder(bytes.NewReader(*text))
		d.UseNumber()
		if d.Decode(into) != nil {
			return false
		}
	}
	return reflect.DeepEqual(x, y)
}
