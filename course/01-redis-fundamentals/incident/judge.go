package incident1

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis-grind/grind/internal/unit"
)

// judge turns what was observed into readings. Nothing here looks at the
// learner's code: a cart may be a hash or a string, a feed a list or a sorted set.
type judge struct {
	scene    unit.Scene
	visitors *visitors
	memory   memory
	server   server
}

// settled is how long after the beginning the first full window ends.
const settled = window + time.Second

func (j *judge) judge(ctx context.Context) []unit.Reading {
	ripe := time.Since(j.visitors.began) >= settled
	return []unit.Reading{j.carts(ripe), j.memoryReading(ctx, ripe), j.pages(ctx, ripe)}
}

// carts: every item that was acknowledged is in its cart.
func (j *judge) carts(ripe bool) unit.Reading {
	var all cartRound
	for _, r := range j.visitors.carts.all() {
		all.added += r.added
		all.found += r.found
		all.extra += r.extra
		all.refused += r.refused
		all.tried += r.tried
	}
	lost := all.added - all.found
	r := unit.Reading{
		Value: float64(lost), Unit: "lost",
		Bad:    lost > 0 || all.extra > 0 || all.refused > 0,
		Enough: ripe && all.tried >= 48,
	}
	switch {
	case all.refused > 0:
		r.Text = fmt.Sprintf("%d of %d adds were refused%s", all.refused, all.tried, j.why("/carts"))
	case lost > 0:
		r.Text = fmt.Sprintf("%d of %d items that the shop took are not in their carts", lost, all.added)
	case all.extra > 0:
		r.Text = fmt.Sprintf("%d items are in carts into which nobody put them", all.extra)
	default:
		r.Text = fmt.Sprintf("%d items were put into carts, and all of them are there", all.added)
	}
	return r
}

// memoryReading: what is written for a while leaves by itself, and while it is
// wanted it is right.
func (j *judge) memoryReading(ctx context.Context, ripe bool) unit.Reading {
	state, err := j.memory.look(ctx, j.scene)
	checks, wrong := j.visitors.counters.all(), 0
	var example counterCheck
	for _, c := range checks {
		if !c.ok || c.got != c.want {
			wrong++
			example = c
		}
	}
	r := unit.Reading{
		Value: float64(state.endless), Unit: plural(state.endless, "key") + " for ever",
		Bad:    err != nil || state.grows || wrong > 0,
		Enough: ripe && state.whole && len(checks) >= 10,
	}
	switch {
	case err != nil:
		r.Text = "Redis does not answer: " + err.Error()
	case wrong > 0 && !example.ok:
		r.Text = fmt.Sprintf("%d views were not counted%s", wrong, j.why("/views"))
	case wrong > 0:
		r.Text = fmt.Sprintf("%d of %d view counters are wrong: %s on %s shows %d of %d", wrong, len(checks), example.product, example.day, example.got, example.want)
	case state.grows:
		r.Text = state.text
	default:
		r.Text = fmt.Sprintf("%d counters looked at and right, and nothing is added that stays", len(checks))
	}
	return r
}

// maxFeedCommands is what one look at the feed may cost: an id and a value for
// each entry, and some room.
const maxFeedCommands = 2*feedLength + 5

// pages: nothing that is done for the feed keeps the rest of the shop waiting,
// and the feed is right. The figure is Redis's own: how long a page takes is told
// beside it, for on a busy machine that says little about the shop.
func (j *judge) pages(ctx context.Context, ripe bool) unit.Reading {
	dearest, held, err := j.server.look(ctx, j.scene.Redis)
	took, reads := j.visitors.pages.all(), j.visitors.feed.all()
	slow := p99(took)
	wrong, fault := 0, ""
	for _, read := range reads {
		if read.wrong != "" {
			wrong++
			fault = read.wrong
		}
	}
	cost := j.feedCost()
	r := unit.Reading{
		Value: float64(dearest.Round(10*time.Microsecond).Microseconds()) / 1000, Unit: "ms without an answer",
		Bad:    err != nil || wrong > 0 || held || cost > maxFeedCommands,
		Enough: ripe && len(reads) >= 6 && len(took) >= 60,
	}
	switch {
	case err != nil:
		r.Text = "Redis does not answer: " + err.Error()
	case wrong > 0:
		r.Text = fmt.Sprintf("%d of %d times the feed was wrong: %s", wrong, len(reads), fault)
	case held:
		r.Text = fmt.Sprintf("again and again Redis answers nobody for %s; one page in a hundred takes %s or longer", millis(dearest), millis(slow))
	case cost > maxFeedCommands:
		r.Text = fmt.Sprintf("one look at the feed takes %d commands", cost)
	default:
		r.Text = fmt.Sprintf("nothing keeps Redis from answering; 99 pages in a hundred take less than %s on this machine", millis(slow))
	}
	return r
}

// feedCost is the largest number of commands that one look at the feed took.
func (j *judge) feedCost() int {
	most := 0
	for _, r := range j.scene.Requests(time.Now().Add(-window)) {
		if r.Name == "GET /feed" {
			most = max(most, r.Count)
		}
	}
	return most
}

// why is the newest thing that the shop said to a request to path, behind a colon.
func (j *judge) why(path string) string {
	for _, t := range slices.Backward(j.visitors.trouble.all()) {
		if strings.HasPrefix(t.path, path) {
			return ": " + t.said
		}
	}
	return ""
}

func plural(n int64, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func millis(d time.Duration) string {
	return unit.Figure(float64(d.Round(100*time.Microsecond).Microseconds())/1000, "ms")
}
