package incident3

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// visit is one customer's visit.
type visit struct {
	asked   int // how often the office was asked for the customer's terms
	offers  int
	foreign int // offers with somebody else's name or terms
	refused bool
	wrong   string
	who     string // the customer, and who was greeted instead
	other   string
}

// customers is how many there are at a time, and visitOffers how many offers each
// asks for: two, over and over, at one window and the other.
const (
	customers   = 6
	visitOffers = 12
	offerEvery  = 150 * time.Millisecond
)

// visit brings one customer after the other.
func (p *public) visit(ctx context.Context) {
	for ctx.Err() == nil {
		n := int(p.account.Add(1))
		v := visit{who: termsOf(n).String()}
		for i := range visitOffers {
			p.offer(ctx, n, i, &v)
			pause(ctx, offerEvery)
		}
		v.asked = p.office.takeAsked("/customers/" + termsOf(n).Account)
		if ctx.Err() == nil {
			p.visits.add(v)
		}
	}
}

// offer asks for one offer and looks whose it is.
func (p *public) offer(ctx context.Context, n, turn int, v *visit) {
	var got struct {
		terms
		Pays int64 `json:"pays"`
	}
	own := termsOf(n)
	pair, amount := quoted[n%len(quoted)], int64(100*(1+turn/2%2))
	a := p.ask(ctx, turn, own.Account, http.MethodGet, fmt.Sprintf("/quotes/%s/%d", pair, amount), nil, &got)
	pays := p.office.rateOf(pair) * amount * (10_000 - own.Discount) / 10_000
	switch {
	case ctx.Err() != nil:
		return
	case !a.ok:
		v.refused = true
	case got.terms != own && got.Account != "" && got.Account != own.Account:
		v.foreign++
		v.other = got.String()
	case got.terms != own:
		v.wrong = fmt.Sprintf("%s was offered the terms of nobody", own.Customer)
	case got.Pays != pays:
		v.wrong = fmt.Sprintf("%s was offered %s, and it should be %s", own.Customer, money(got.Pays), money(pays))
	}
	v.offers++
}
