package incident3

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// noticeEdit is one notice that was changed at a window, and what the windows showed
// from the moment on at which they must follow.
type noticeEdit struct {
	refused bool
	asked   int // how often the office was read for it
	looks   int
	late    int // looks that saw another text
	// An example: what was shown where, how long after which change at which window.
	desk, want, got string
	changed, shown  int
	after           time.Duration
}

// desks are where notices hang.
var desks = []string{"notes", "coins", "cheques"}

// A notice may be a minute late, which lasts a second here; what is later than
// noticeLate is too late on a busy machine too.
const (
	noticeLate  = 1500 * time.Millisecond
	noticeLooks = 20
	noticeEvery = 125 * time.Millisecond
)

// edit changes the notice of a desk again and again, at one window and the other.
func (p *public) edit(ctx context.Context, desk int, name string) {
	pause(ctx, time.Duration(desk)*noticeLooks*noticeEvery/time.Duration(len(desks))) // not all desks at once
	for n := 0; ctx.Err() == nil; n++ {
		text := fmt.Sprintf("back at %d:%02d", 8+n/60%12, n%60)
		e := noticeEdit{desk: name, want: text, changed: n + desk}
		e.refused = !p.ask(ctx, e.changed, "", http.MethodPut, "/notices/"+name, url.Values{"text": {text}}, nil).ok
		acknowledged := time.Now()
		for look := range noticeLooks {
			p.readNotice(ctx, look, acknowledged, &e)
			pause(ctx, noticeEvery)
		}
		e.asked = p.office.takeAsked("/notices/" + name)
		if ctx.Err() == nil {
			p.edits.add(e)
		}
	}
}

func (p *public) readNotice(ctx context.Context, at int, acknowledged time.Time, e *noticeEdit) {
	after := time.Since(acknowledged)
	var got string
	a := p.ask(ctx, at, "", http.MethodGet, "/notices/"+e.desk, nil, &got)
	switch {
	case ctx.Err() != nil:
	case !a.ok:
		e.refused = true
	case after > noticeLate:
		e.looks++
		if got != e.want {
			e.late++
			e.got, e.shown, e.after = got, at, after
		}
	}
}
