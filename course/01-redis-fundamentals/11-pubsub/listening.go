package broadcast

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
)

// notices are what the film publishes.
var notices = [...]string{"on time", "+5 min", "platform 4", "+9 min", "boarding"}

// screen is a display of the film: its subscription while it listens, and what it
// heard; nothing where it missed a notice.
type screen struct {
	name  string
	sub   *redis.PubSub
	heard []string
}

// hall is a channel with its screens.
type hall struct {
	r       *unit.Run
	channel string
	screens []*screen
	replies []string // what PUBLISH answered
	film    unit.Film
}

// listening films who hears a notice: three displays, of which one is away for two
// notices of five.
func listening(ctx context.Context, r *unit.Run) error {
	r.Step("Three displays listen to one channel; that of platform 2 is away for two notices.")
	away := &screen{name: "platform 2"}
	h := &hall{
		r: r, channel: r.Key("line:7"), film: unit.Film{Title: "Who hears a notice"},
		screens: []*screen{{name: "platform 1"}, away, {name: "main hall"}},
	}
	defer h.close()
	if err := h.come(ctx, h.screens...); err != nil {
		return err
	}
	for n, notice := range notices {
		var err error
		switch n {
		case 1:
			err = h.leave(ctx, away)
		case 3:
			err = h.come(ctx, away)
		}
		if err != nil {
			return err
		}
		if err := h.publish(ctx, notice); err != nil {
			return err
		}
	}
	r.Film(h.film)
	return nil
}

// come subscribes displays and waits for the server's confirmations.
func (h *hall) come(ctx context.Context, screens ...*screen) error {
	who := "The displays subscribe"
	for _, d := range screens {
		d.sub = h.r.Redis().Subscribe(ctx, h.channel)
		if _, err := d.sub.Receive(ctx); err != nil {
			return err
		}
		if len(screens) == 1 {
			who = "The display of " + d.name + " subscribes again, and nothing comes with it"
		}
	}
	return h.count(ctx, who)
}

// leave ends the subscription of a display and waits until the server knows.
func (h *hall) leave(ctx context.Context, d *screen) error {
	err := d.sub.Close()
	if d.sub = nil; err != nil {
		return err
	}
	if err := listeners(ctx, h.r, h.channel, int64(len(h.screens)-1)); err != nil {
		return err
	}
	return h.count(ctx, "The display of "+d.name+" goes away")
}

// count takes a frame with how many the server knows.
func (h *hall) count(ctx context.Context, happened string) error {
	counts, err := h.r.Redis().PubSubNumSub(ctx, h.channel).Result()
	if err != nil {
		return err
	}
	h.take(fmt.Sprintf("%s. PUBSUB NUMSUB: %d.", happened, counts[h.channel]), false)
	return nil
}

// publish sends one notice and waits for it at every display that listens.
func (h *hall) publish(ctx context.Context, notice string) error {
	reply, err := h.r.Redis().Publish(ctx, h.channel, notice).Result()
	if err != nil {
		return err
	}
	h.replies = append(h.replies, fmt.Sprint(reply))
	for _, d := range h.screens {
		heard := ""
		if d.sub != nil {
			message, err := d.sub.ReceiveMessage(ctx)
			if err != nil {
				return err
			}
			heard = message.Payload
		}
		d.heard = append(d.heard, heard)
	}
	h.take(fmt.Sprintf("PUBLISH %q → %d.", notice, reply), true)
	return nil
}

// take adds a frame. With fresh the last of what was heard has just arrived.
func (h *hall) take(caption string, fresh bool) {
	frame := unit.Frame{Caption: caption, Rows: []unit.Row{{Name: "PUBLISH answers", Cells: cells(h.replies, fresh)}}}
	for _, d := range h.screens {
		note := "away"
		if d.sub != nil {
			note = "listens"
		}
		frame.Rows = append(frame.Rows, unit.Row{Name: d.name, Note: note, Cells: cells(d.heard, fresh)})
	}
	h.film.Frames = append(h.film.Frames, frame)
}

// cells has a cell for each notice, also for those to come.
func cells(texts []string, fresh bool) []unit.Cell {
	out := make([]unit.Cell, len(notices))
	for i, text := range texts {
		out[i] = unit.Cell{Text: text, Mark: unit.Old}
		switch {
		case text == "":
			out[i] = unit.Cell{Text: "missed", Mark: unit.Wrong}
		case fresh && i == len(texts)-1:
			out[i].Mark = unit.New
		}
	}
	return out
}

// close ends the subscriptions.
func (h *hall) close() {
	for _, d := range h.screens {
		if d.sub != nil {
			_ = d.sub.Close() // the film is over
		}
	}
}
