//go:build exercise

package exercise_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/redis-grind/grind/course/02-web-integration-basics/01-first-api/exercise"
	"github.com/redis-grind/grind/internal/race"
	"github.com/redis-grind/grind/internal/tap"
	"github.com/redis-grind/grind/internal/unit/check"
)

// draft is what is sent, item what comes back.
type draft struct {
	What  string `json:"what"`
	Place string `json:"place"`
	Value int    `json:"value"`
}

type item struct {
	ID int64 `json:"id"`
	draft
}

// desk sends requests to the learner's API.
type desk struct {
	ctx context.Context
	h   http.Handler
}

// open makes a desk over the task's keys.
func open(c *check.C) desk {
	h, err := exercise.New(c.Redis(), c.Key)
	c.NoError(err, "New")
	return desk{c.Context(), h}
}

// answer is what came back.
type answer struct {
	asked  string
	status int
	kind   string
	at     string // Location
	body   []byte
}

func (d desk) ask(method, path, body string) answer {
	r := httptest.NewRequestWithContext(d.ctx, method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	return answer{strings.TrimSpace(method + " " + path + " " + body), w.Code, w.Header().Get("Content-Type"), w.Header().Get("Location"), w.Body.Bytes()}
}

func (d desk) send(method, path string, v draft) answer {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return d.ask(method, path, string(text))
}

// item reads the item of an answer that must have this status.
func (a answer) item(c *check.C, status int) (it item) {
	if a.status != status {
		c.Fail("%s was answered with %d, want %d: %s", a.asked, a.status, status, a.body)
	}
	if err := json.Unmarshal(a.body, &it); err != nil {
		c.Fail("%s: the answer is no item: %s", a.asked, a.body)
	}
	return it
}

// problem looks whether an answer is a problem with one of these statuses.
func (a answer) problem(c *check.C, want ...int) {
	var p struct {
		Status int `json:"status"`
	}
	fits := false
	for _, status := range want {
		fits = fits || a.status == status
	}
	if !fits {
		c.Fail("%s was answered with %d, want %s.", a.asked, a.status, strings.ReplaceAll(strings.Trim(fmt.Sprint(want), "[]"), " ", " or "))
	}
	if !strings.HasPrefix(a.kind, "application/problem+json") || json.Unmarshal(a.body, &p) != nil || p.Status != a.status {
		c.Fail("%s was answered with %d as %s: %s. Want application/problem+json, with the status in it.", a.asked, a.status, a.kind, a.body)
	}
}

// found is something that somebody lost.
func found(c *check.C) draft {
	return draft{
		What:  fmt.Sprintf("%s no. %d, \"as new\"", []string{"umbrella", "violin", "glove", "Schlüssel"}[c.Rand().IntN(4)], c.Rand().IntN(1000)),
		Place: []string{"train", "platform", "hall"}[c.Rand().IntN(3)],
		Value: c.Rand().IntN(100_001),
	}
}

func (d desk) handIn(c *check.C) item { return d.send("POST", "/items", found(c)).item(c, 201) }

func path(id int64) string { return fmt.Sprintf("/items/%d", id) }

func TestCreate(t *testing.T) {
	check.Task(t, "create", func(c *check.C) {
		d, given := open(c), map[int64]bool{}
		for i := range 40 {
			want := found(c)
			a := d.send("POST", "/items", want)
			got := a.item(c, 201)
			if got.ID < 1 || got.draft != want || a.at != path(got.ID) {
				c.Fail("%s was answered with %s and Location %q.", a.asked, a.body, a.at)
			}
			if given[got.ID] {
				c.Fail("The number %d had been given to another item before. Its owner still has the ticket.", got.ID)
			}
			given[got.ID] = true
			if i%3 == 1 { // some are handed out again, the newest too
				if a := d.ask("DELETE", path(got.ID), ""); a.status != 204 {
					c.Fail("%s was answered with %d, want 204: %s", a.asked, a.status, a.body)
				}
			}
		}
		c.Explore(twoHandIn())
	})
}

// twoHandIn is the race of two clerks at two counters.
func twoHandIn() race.Scenario {
	var got [2]answer
	actor := func(i int) race.Actor {
		return race.Actor{Name: []string{"nora", "omar"}[i], Do: func(ctx context.Context, client race.Client, k race.Keys) error {
			got[i] = answer{}
			h, err := exercise.New(client, k)
			if err != nil {
				return err
			}
			got[i] = desk{ctx, h}.send("POST", "/items", draft{fmt.Sprintf("glove %d", i), "hall", i})
			return nil
		}}
	}
	return race.Scenario{
		Name: "hand-in", Title: "two hand in at once", Actors: []race.Actor{actor(0), actor(1)},
		Good: "Each has a number of its own, and is in the list.",
		Check: func(ctx context.Context, client race.Client, k race.Keys, ends []race.End) error {
			h, err := exercise.New(client, k)
			if err != nil {
				return err
			}
			list := desk{ctx, h}.ask("GET", "/items", "")
			for i, a := range got {
				var it item
				if ends[i].Crashed || a.status != 201 || json.Unmarshal(a.body, &it) != nil {
					continue
				}
				if !strings.Contains(string(list.body), fmt.Sprintf(`"glove %d"`, i)) {
					return &race.Violation{Message: fmt.Sprintf("Glove %d was taken in under the number %d, and the list has: %s", i, it.ID, list.body)}
				}
			}
			return nil
		},
	}
}

func TestRead(t *testing.T) {
	check.Task(t, "read", func(c *check.C) {
		d := open(c)
		var items []item
		for range 10 {
			items = append(items, d.handIn(c))
		}
		again := open(c) // another process of the same office
		for _, want := range items {
			if got := again.ask("GET", path(want.ID), "").item(c, 200); got != want {
				c.Fail("GET %s: got %+v, want %+v.", path(want.ID), got, want)
			}
		}
		for _, id := range []int64{items[9].ID + 1, items[9].ID + 1_000_000} {
			a := d.ask("GET", path(id), "")
			if a.status == 200 {
				c.Fail("%s: nobody handed that in, and the answer is 200 with %s", a.asked, a.body)
			}
			a.problem(c, 404)
		}
	})
}

func TestValid(t *testing.T) {
	check.Task(t, "valid", func(c *check.C) {
		d := open(c)
		bodies := []string{
			`{"what":"umbr`, `{"what":"umbrella","place":"hall","value":"twelve"}`, `{"what":"umbrella","place":"hall","value":1.5}`,
			`{"place":"hall","value":12}`, `{"what":"","place":"hall","value":12}`, `{"what":"umbrella","value":12}`, `{"what":"umbrella","place":"hall"}`,
			`{"what":"umbrella","place":"moon","value":12}`, `{"what":"umbrella","place":"hall","value":-1}`, `{"what":"umbrella","place":"hall","value":100001}`,
			`{"what":"umbrella","place":"hall","value":12,"colour":"red"}`, `[]`, `"umbrella"`,
			`{"what":"` + strings.Repeat("x", 101) + `","place":"hall","value":12}`,
		}
		bad := func(method, path, body string) {
			var a answer
			sent := c.Commands(func() { a = d.ask(method, path, body) })
			if a.status >= 500 {
				c.Fail("%s was answered with %d. The mistake is the client's, and a 5xx tells it to try again.", a.asked, a.status)
			}
			if a.status < 300 {
				c.Fail("%s was answered with %d: %s", a.asked, a.status, a.body)
			}
			a.problem(c, 400, 422)
			if len(sent) > 0 {
				c.Fail("%s is wrong whatever Redis says, and %d commands were sent for it.", a.asked, len(sent))
			}
		}
		for _, body := range bodies {
			bad("POST", "/items", body)
			bad("PUT", "/items/1", body)
		}
		for _, id := range []string{"violin", "0", "-1", "1.5", "99999999999999999999"} {
			bad("GET", "/items/"+id, "")
			bad("DELETE", "/items/"+id, "")
			bad("PUT", "/items/"+id, `{"what":"umbrella","place":"hall","value":12}`)
		}
		for _, query := range []string{"limit=0", "limit=-1", "limit=101", "limit=1000000", "limit=many", "limit=1.5", "cursor=violin", "cursor=%2Binf"} {
			bad("GET", "/items?"+query, "")
		}
		longest := strings.Repeat("ü", 100)
		if got := d.send("POST", "/items", draft{longest, "hall", 0}).item(c, 201); got.What != longest {
			c.Fail("What may have 100 characters, also those of two bytes, and came back as %q.", got.What)
		}
	})
}

// page asks for a page and reads it.
func (d desk) page(c *check.C, query string) (ids []int64, next string) {
	a := d.ask("GET", "/items"+query, "")
	var body struct {
		Items []item `json:"items"`
		Next  string `json:"next"`
	}
	if a.status != 200 || json.Unmarshal(a.body, &body) != nil || body.Items == nil {
		c.Fail("%s was answered with %d: %s. Want 200 and {\"items\":[…]}.", a.asked, a.status, a.body)
	}
	for _, it := range body.Items {
		ids = append(ids, it.ID)
	}
	return ids, body.Next
}

func TestList(t *testing.T) {
	check.Task(t, "list", func(c *check.C) {
		d := open(c)
		if ids, next := d.page(c, ""); len(ids) > 0 || next != "" {
			c.Fail("The office is empty, and the list has %v and goes on at %q.", ids, next)
		}
		const n = 130
		was := map[int64]bool{}
		for range n {
			was[d.handIn(c).ID] = true
		}
		for _, q := range []struct {
			query string
			most  int
		}{{"", 20}, {"?limit=100", 100}, {"?limit=7", 7}} {
			var ids []int64
			trips := c.RoundTrips(func() { ids, _ = d.page(c, q.query) })
			if len(ids) != q.most {
				c.Fail("GET /items%s has %d items of %d, want %d.", q.query, len(ids), n, q.most)
			}
			for i := 1; i < len(ids); i++ {
				if ids[i] >= ids[i-1] {
					c.Fail("GET /items%s: %d comes after %d, and the newest should come first.", q.query, ids[i], ids[i-1])
				}
			}
			if trips > 2 {
				c.Fail("A page of %d items took %d round trips, and 2 must do.", q.most, trips)
			}
		}
		d.walk(c, was)
	})
}

// walk follows the cursor while items come and go, the last of a page too.
func (d desk) walk(c *check.C, was map[int64]bool) {
	next, seen := "", map[int64]int{}
	for pages := 0; ; pages++ {
		query := "?limit=9"
		if next != "" {
			query += "&cursor=" + next
		}
		ids, goesOn := d.page(c, query)
		for _, id := range ids {
			seen[id]++
		}
		if next = goesOn; next == "" {
			break
		}
		if pages > 100 || len(ids) == 0 {
			c.Fail("The list of %d items goes on after %d pages of 9; the last one had %d items.", len(was), pages+1, len(ids))
		}
		switch pages % 3 {
		case 0: // the clerk stands at the last of the page, and it is handed out
			for _, id := range ids[len(ids)-3:] {
				d.ask("DELETE", path(id), "")
			}
		case 1:
			d.handIn(c)
			d.handIn(c)
		}
	}
	for id := range was {
		if seen[id] == 0 {
			c.Fail("Item %d was there until the clerk had passed it, and no page showed it: others were handed in and out meanwhile.", id)
		}
		if seen[id] > 1 {
			c.Fail("Item %d stood on %d pages: others were handed in and out meanwhile.", id, seen[id])
		}
	}
}

func TestUpdate(t *testing.T) {
	check.Task(t, "update", func(c *check.C) {
		d := open(c)
		for range 10 {
			it, want := d.handIn(c), found(c)
			if got := d.send("PUT", path(it.ID), want).item(c, 200); got != (item{it.ID, want}) {
				c.Fail("PUT %s with %+v was answered with %+v.", path(it.ID), want, got)
			}
			if got := d.ask("GET", path(it.ID), "").item(c, 200); got != (item{it.ID, want}) {
				c.Fail("PUT %s with %+v, and after it GET has %+v.", path(it.ID), want, got)
			}
			nobodys := it.ID + 1 + int64(c.Rand().IntN(100))
			d.send("PUT", path(nobodys), want).problem(c, 404)
			if a := d.ask("GET", path(nobodys), ""); a.status != 404 {
				c.Fail("PUT %s was refused, and now there is such an item: %s", path(nobodys), a.body)
			}
		}
	})
}

func TestGone(t *testing.T) {
	check.Task(t, "gone", func(c *check.C) {
		d := open(c)
		it := d.handIn(c)
		d.ask("DELETE", path(it.ID), "")
		d.send("PUT", path(it.ID), found(c)).problem(c, 404)
		c.Explore(correctAndHandOut(c))
	})
}

// correctAndHandOut is the race of one who corrects an item and one who hands it
// out.
func correctAndHandOut(c *check.C) race.Scenario {
	var (
		id           int64
		put, deleted answer
	)
	at := func(ctx context.Context, client race.Client, k race.Keys) (desk, error) {
		h, err := exercise.New(client, k)
		return desk{ctx, h}, err
	}
	return race.Scenario{
		Name: "gone", Title: "one corrects an item, one hands it out",
		Setup: func(ctx context.Context, client race.Client, k race.Keys) error {
			d, err := at(ctx, client, k)
			if err != nil {
				return err
			}
			put, deleted = answer{}, answer{}
			id = d.send("POST", "/items", draft{"umbrella, black", "hall", 12}).item(c, 201).ID
			return nil
		},
		Actors: []race.Actor{
			{Name: "nora", Do: func(ctx context.Context, client race.Client, k race.Keys) error {
				d, err := at(ctx, client, k)
				if err == nil {
					put = d.send("PUT", path(id), draft{"umbrella, blue", "hall", 12})
				}
				return err
			}},
			{Name: "omar", Do: func(ctx context.Context, client race.Client, k race.Keys) error {
				d, err := at(ctx, client, k)
				if err == nil {
					deleted = d.ask("DELETE", path(id), "")
				}
				return err
			}},
		},
		Good: "What was handed out is not there, and what was corrected is correct.",
		Check: func(ctx context.Context, client race.Client, k race.Keys, ends []race.End) error {
			d, err := at(ctx, client, k)
			if err != nil {
				return err
			}
			now, list := d.ask("GET", path(id), ""), d.ask("GET", "/items", "")
			listed := strings.Contains(string(list.body), "umbrella")
			switch {
			case deleted.status == 204 && !ends[1].Crashed && (now.status != 404 || listed):
				return &race.Violation{Message: fmt.Sprintf("Omar handed out item %d, and it is back: GET says %d %s, and the list has %s", id, now.status, now.body, list.body)}
			case (now.status == 200) != listed:
				return &race.Violation{Message: fmt.Sprintf("GET of item %d says %d, and the list has %s", id, now.status, list.body)}
			case now.status == 200 && put.status == 200 && !ends[0].Crashed && !strings.Contains(string(now.body), "blue"):
				return &race.Violation{Message: fmt.Sprintf("Nora was told that the umbrella is blue now, and GET has %s", now.body)}
			}
			return nil
		},
	}
}

func TestDelete(t *testing.T) {
	check.Task(t, "delete", func(c *check.C) {
		d := open(c)
		out := func(id int64) {
			if a := d.ask("DELETE", path(id), ""); a.status != 204 || len(a.body) > 0 {
				c.Fail("%s was answered with %d %s, want 204 and nothing.", a.asked, a.status, a.body)
			}
			a := d.ask("DELETE", path(id), "")
			if a.status == 204 {
				c.Fail("Item %d was handed out twice: the second DELETE said 204 too.", id)
			}
			a.problem(c, 404)
			d.ask("GET", path(id), "").problem(c, 404)
		}
		out(d.handIn(c).ID)
		before := keys(c)
		var ids []int64
		for range 20 {
			ids = append(ids, d.handIn(c).ID)
		}
		c.Rand().Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		for _, id := range ids {
			out(id)
		}
		if left, _ := d.page(c, ""); len(left) > 0 {
			c.Fail("All was handed out, and the list still has %v.", left)
		}
		if after := keys(c); len(after) > len(before) {
			c.Fail("20 items came and went, and there are more keys than before: %s.", strings.Join(after, ", "))
		}
		for _, key := range keys(c) {
			if n, _ := c.Direct().ZCard(c.Context(), c.Key(key)).Result(); n > 1 {
				c.Fail("All was handed out, and %s still has %d members.", key, n)
			}
			if n, _ := c.Direct().LLen(c.Context(), c.Key(key)).Result(); n > 1 {
				c.Fail("All was handed out, and %s still has %d members.", key, n)
			}
		}
	})
}

// keys are those of the task, by their names.
func keys(c *check.C) (names []string) {
	page := c.Direct().Scan(c.Context(), 0, c.Key("*"), 1000).Iterator()
	for page.Next(c.Context()) {
		names = append(names, c.Show(page.Val()))
	}
	c.NoError(page.Err(), "SCAN")
	return names
}

func TestOwn(t *testing.T) {
	check.Task(t, "own", func(c *check.C) {
		d := open(c)
		it := d.handIn(c)
		const secret = "cache-7.internal"
		c.Throw(tap.Fault{Kind: tap.ErrorReply, Message: "ERR the disk of " + secret + " is full"})
		for _, q := range []struct{ method, path, body string }{
			{"POST", "/items", `{"what":"umbrella","place":"hall","value":12}`},
			{"GET", path(it.ID), ""},
			{"GET", "/items", ""},
			{"PUT", path(it.ID), `{"what":"umbrella","place":"hall","value":12}`},
			{"DELETE", path(it.ID), ""},
		} {
			var a answer
			sent := c.Commands(func() { a = d.ask(q.method, q.path, q.body) })
			if len(sent) == 0 {
				c.Fail("%s was answered with %d, and Redis was not asked.", a.asked, a.status)
			}
			if a.status < 500 {
				c.Fail("Redis failed, and %s was answered with %d: %s", a.asked, a.status, a.body)
			}
			if strings.Contains(string(a.body), secret) {
				c.Fail("%s tells the client what Redis said: %s", a.asked, a.body)
			}
			a.problem(c, a.status)
		}
	})
}
