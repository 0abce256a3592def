package incident1

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// cartRound is one cart that two tabs filled at once.
type cartRound struct {
	added   int64 // pieces that the shop took
	found   int64 // pieces of these that were in the cart afterwards
	extra   int64 // pieces too many
	refused int   // adds that it did not take
	tried   int
}

// tabAdds is how many items each tab puts into a cart.
const tabAdds = 6

// fillCarts opens cart after cart. A tab talks to one copy of the shop and the
// other tab to another, as behind a balancer; when both are done, the cart is
// compared with what was acknowledged.
func (v *visitors) fillCarts(ctx context.Context) {
	number := 0
	every(ctx, 200*time.Millisecond, func() {
		number++
		v.fillCart(ctx, fmt.Sprintf("c%d", number))
	})
}

func (v *visitors) fillCart(ctx context.Context, cart string) {
	var (
		mu    sync.Mutex
		both  sync.WaitGroup
		round cartRound
		want  = map[string]int64{}
	)
	for tab, visitor := range []string{"left tab", "right tab"} {
		both.Go(func() {
			for i := range tabAdds {
				product := products[(i+tab)%3]
				a := v.ask(ctx, tab, visitor, http.MethodPost, "/carts/"+cart, url.Values{"product": {product}}, nil)
				mu.Lock()
				round.tried++
				if a.ok {
					round.added++
					want[product]++
				} else {
					round.refused++
				}
				mu.Unlock()
			}
		})
	}
	both.Wait()
	got := map[string]int64{}
	shown := v.ask(ctx, 0, "left tab", http.MethodGet, "/carts/"+cart, nil, &got)
	if ctx.Err() != nil {
		return
	}
	if !shown.ok {
		round.refused++
	}
	for product := range want {
		round.found += min(got[product], want[product])
	}
	for product := range maps.Keys(got) {
		round.extra += max(0, got[product]-want[product])
	}
	v.carts.add(round)
}

// products are what the shop sells.
var products = strings.Fields("mug lamp chair table clock vase plate spoon knife fork bowl glass rug desk shelf bench stool frame brush towel")

// browsers is how many groups of visitors report views; each has products of its
// own, so that it knows their counts.
const browsers = 2

// dayLength is the shop's: see main.go there.
const dayLength = 2 * time.Second

// counterCheck is one look at a day's counter of a product.
type counterCheck struct {
	day, product string
	want, got    int64
	ok           bool // it was shown at all
}

// browse reports views of a part of the products, from two browsers at once, and
// then looks at the counter; and at that of the day before, which is still wanted.
func (v *visitors) browse(ctx context.Context, part int) {
	counts := map[string]map[string]int64{} // acknowledged, by day and product
	unsure := map[string]bool{}             // counters of which an add has failed
	turn := 0
	every(ctx, 80*time.Millisecond, func() {
		turn++
		number := time.Now().UnixNano() / int64(dayLength)
		day, before := dayName(number), dayName(number-1)
		if counts[day] == nil {
			counts[day] = map[string]int64{}
			maps.DeleteFunc(counts, func(d string, _ map[string]int64) bool { return d != day && d != before })
		}
		product := products[(turn*browsers+part)%len(products)]
		if !v.reportViews(ctx, day, product, counts[day]) {
			unsure[day+product] = true
		}
		if !unsure[day+product] {
			v.checkCounter(ctx, day, product, counts[day][product])
		}
		// In its first half a day's visitors look at yesterday too.
		early := time.Now().UnixNano()%int64(dayLength) < int64(dayLength)/2
		if want, known := counts[before][product]; known && early && !unsure[before+product] {
			v.checkCounter(ctx, before, product, want)
		}
	})
}

func dayName(number int64) string { return "day-" + strconv.FormatInt(number, 10) }

// reportViews sends two batches at once and adds what was acknowledged; false
// says that one was not.
func (v *visitors) reportViews(ctx context.Context, day, product string, counts map[string]int64) bool {
	var (
		mu   sync.Mutex
		both sync.WaitGroup
		all  = true
	)
	before := int(counts[product])
	for b := range 2 {
		n := int64(1 + (before+b+len(product))%4)
		both.Go(func() {
			form := url.Values{"day": {day}, "n": {strconv.FormatInt(n, 10)}}
			a := v.ask(ctx, b, "browser", http.MethodPost, "/views/"+product, form, nil)
			mu.Lock()
			defer mu.Unlock()
			if a.ok {
				counts[product] += n
			}
			all = all && a.ok
		})
	}
	both.Wait()
	if !all && ctx.Err() == nil {
		v.counters.add(counterCheck{day: day, product: product})
	}
	return all
}

func (v *visitors) checkCounter(ctx context.Context, day, product string, want int64) {
	var got int64
	a := v.ask(ctx, 0, "browser", http.MethodGet, "/views/"+product, url.Values{"day": {day}}, &got)
	if ctx.Err() == nil {
		v.counters.add(counterCheck{day, product, want, got, a.ok})
	}
}

// feedLength is how many entries the feed shows.
const feedLength = 20

// feedRead is one look at the feed.
type feedRead struct {
	wrong string // what is wrong with it; empty when nothing is
}

// publish says what was just bought: enough at once to fill the feed, then eight
// entries a second.
func (v *visitors) publish(ctx context.Context) {
	for range feedLength {
		v.publishOne(ctx)
	}
	every(ctx, 125*time.Millisecond, func() { v.publishOne(ctx) })
}

// publishOne sends the next entry, or the last one again if it was not taken.
func (v *visitors) publishOne(ctx context.Context) {
	number := v.published.Load() + 1
	v.publishing.Store(number)
	entry := fmt.Sprintf("%s sold, order %d", products[number%int64(len(products))], number)
	if v.ask(ctx, int(number), "till", http.MethodPost, "/feed", url.Values{"entry": {entry}}, nil).ok {
		v.published.Store(number)
	}
}

// readFeed looks at the feed four times a second.
func (v *visitors) readFeed(ctx context.Context) {
	turn := 0
	every(ctx, 250*time.Millisecond, func() {
		turn++
		low := v.published.Load()
		var got []string
		a := v.ask(ctx, turn, "reader", http.MethodGet, "/feed", nil, &got)
		high := v.publishing.Load()
		switch {
		case ctx.Err() != nil:
		case !a.ok:
			v.feed.add(feedRead{"it is not shown: " + a.text})
		default:
			v.feed.add(feedRead{feedFault(got, low, high)})
		}
	})
}

// feedFault compares a feed with what was published: the newest entries, the
// newest first, of which that with the number low was there before it was read
// and that with the number high may have come meanwhile.
func feedFault(got []string, low, high int64) string {
	if want := min(feedLength, low); int64(len(got)) < want || len(got) > feedLength {
		return fmt.Sprintf("it shows %d entries of %d", len(got), want)
	}
	numbers := make([]int64, len(got))
	for i, entry := range got {
		_, text, _ := strings.Cut(entry, "order ")
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Sprintf("it shows %q, which nobody published", entry)
		}
		numbers[i] = n
	}
	for i, n := range numbers {
		if i == 0 && (n < low || n > high) {
			return fmt.Sprintf("it begins with order %d, and the newest is %d", n, low)
		}
		if i > 0 && n >= numbers[i-1] {
			return fmt.Sprintf("order %d stands below %d", n, numbers[i-1])
		}
		if i > 0 && n != numbers[i-1]-1 {
			return fmt.Sprintf("order %d is missing", numbers[i-1]-1)
		}
	}
	return ""
}

// openPages opens fifty pages a second, at their time whether or not the ones
// before were answered, and notes how long each took.
func (v *visitors) openPages(ctx context.Context) {
	var open sync.WaitGroup
	defer open.Wait()
	places := make(chan struct{}, 64)
	turn := 0
	every(ctx, 20*time.Millisecond, func() {
		turn++
		select {
		case places <- struct{}{}:
		default:
			v.pages.add(visitTimeout) // nobody is served any more
			return
		}
		no, due := turn, time.Now()
		open.Go(func() {
			defer func() { <-places }()
			v.ask(ctx, no, "shopper", http.MethodGet, "/views/"+products[no%len(products)], nil, nil)
			if ctx.Err() == nil {
				v.pages.add(time.Since(due))
			}
		})
	})
}

// p99 is what one page in a hundred takes at least.
func p99(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[(len(took)*99-1)/100]
}
