package incident2

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit"
)

// sailing is one ferry, when all who wanted to go have been told that they are booked.
type sailing struct {
	booked   int64 // passengers who were told so
	expected int64 // for whom the crew waits
	unknown  int   // of whose booking nothing is to be found
	refused  int   // who were never told so
	shown    bool  // the office said whom the crew waits for
}

// crowdOf is how many people want to go on a ferry: not the same on each, or a list
// that ends at that number would look right.
func crowdOf(n int64) int { return 8 + int(n*5%9) }

var names = strings.Fields("Ada Bo Cleo Dan Eve Finn Gus Hana Ida Jon Kim Lea Max Nia Ole Pia")

func sailingName(n int64) string { return fmt.Sprintf("s%d", n) }

// sail fills a ferry each 400 ms.
func (v *visitors) sail(ctx context.Context) {
	v.crowd(ctx, 400*time.Millisecond, 40, func(n int) {
		v.sailing.Store(int64(n))
		if s, whole := v.fill(ctx, sailingName(int64(n)), crowdOf(int64(n))); whole {
			v.sailings.add(s)
		}
	})
}

// fill lets that many people book on a ferry, and then looks for whom its crew waits. whole is
// false when the load ended meanwhile.
func (v *visitors) fill(ctx context.Context, name string, people int) (s sailing, whole bool) {
	var (
		mu   sync.Mutex
		all  sync.WaitGroup
		keys []string
		who  []string
	)
	for i := range people {
		if !sleep(ctx, 25*time.Millisecond) {
			break
		}
		number, person := fmt.Sprintf("%s-%d", name, i+1), names[i%len(names)]
		all.Go(func() {
			told := v.insist(ctx, passenger, http.MethodPost, "/sailings/"+name+"/bookings/"+number, url.Values{"name": {person}}, nil)
			mu.Lock()
			defer mu.Unlock()
			if told {
				s.booked++
				keys, who = append(keys, "booking:"+number), append(who, person)
			} else {
				s.refused++
			}
		})
	}
	all.Wait()
	s.shown = v.insist(ctx, "crew", http.MethodGet, "/sailings/"+name, nil, &s.expected)
	if len(keys) > 0 {
		kept, err := v.redis.MGet(ctx, keys...).Result()
		if err != nil {
			return s, false
		}
		for i, value := range kept {
			if nameIn(value) != who[i] {
				s.unknown++
			}
		}
	}
	return s, ctx.Err() == nil
}

// nameIn is the name in a booking, as the app reads it.
func nameIn(value any) string {
	var b struct {
		Name string `json:"name"`
	}
	text, _ := value.(string)
	if json.Unmarshal([]byte(text), &b) != nil {
		return ""
	}
	return b.Name
}

// deepest is how many commands of a booking may pass before the network drops one.
const deepest = 6

// strikes throws the network's faults: half of all bookings lose one packet, at each
// command in turn, once on the way to Redis and once on the way back. Both look the
// same to the office.
type strikes struct {
	mu     sync.Mutex
	seen   map[string]bool
	count  int
	struck recent[bool]
}

func (v *visitors) strike(r unit.WireRequest) (f tap.Fault, strikes bool) {
	if r.Actor != passenger {
		return f, false
	}
	s := &v.strikes
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[r.Name] {
		return f, false // it is sent again
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[r.Name] = true
	s.count++
	if s.count%2 == 0 {
		return f, false
	}
	s.struck.add(true)
	turn := s.count / 2
	f = tap.Fault{Kind: tap.LoseReply, After: turn / 2 % deepest, Times: 1}
	if turn%2 == 1 {
		f.Kind = tap.Cut
	}
	return f, true
}
