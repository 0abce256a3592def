package lostfound

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/internal/web"
)

// office of a run: its server listens until close is called.
type opened struct {
	*web.Server
	url  string
	stop func() error
}

// open serves the API on a free port of this machine.
func open(ctx context.Context, client *redis.Client, key func(string) string) (*opened, error) {
	s, err := newServer(client, key)
	if err != nil {
		return nil, err
	}
	if err := s.Listen(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return &opened{s, s.URL(), func() error { cancel(); return <-ended }}, nil
}

// openCareless serves the other one.
func openCareless(client *redis.Client, key func(string) string) (url string, stop func()) {
	s := httptest.NewServer(careless{client, key}.handler())
	return s.URL, s.Close
}

// reply is what a client sees of an answer.
type reply struct {
	status int
	kind   string // Content-Type
	body   []byte
}

// ask sends one request on a connection of its own, so that a server can end.
func ask(ctx context.Context, method, url, body string, headers ...string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	req.Close = true
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(headers, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header.Get("Content-Type"), text}, err
}

// violin is the body of the first item.
const violin = `{"what":"violin, in a black case","place":"train","value":2400}`

// touring sends each request once and shows the commands behind it.
func touring(ctx context.Context, r *unit.Run) error {
	r.Step("A lost property office opens. Each request once, and the commands behind it.")
	key := func(name string) string { return r.Key("tour:" + name) }
	if err := warm(ctx, r.Redis()); err != nil {
		return err
	}
	var seen []web.Request
	_, err := r.Trace(ctx, unit.Sample{
		Title: "five requests on the wire",
		Note:  "Create takes a number and then keeps the item in one transaction; the list asks for numbers and then for all of their items at once. Update is one script, so nothing comes between looking and writing.",
	}, func(ctx context.Context, c *redis.Client) error {
		s, err := open(ctx, c, key)
		if err != nil {
			return err
		}
		for _, q := range []struct{ id, method, path, body string }{
			{"create", "POST", "/items", violin},
			{"create-2", "POST", "/items", `{"what":"umbrella","place":"hall","value":12}`},
			{"list", "GET", "/items?limit=1", ""},
			{"read", "GET", "/items/1", ""},
			{"update", "PUT", "/items/1", strings.Replace(violin, "black", "brown", 1)},
			{"delete", "DELETE", "/items/1", ""},
			{"read-again", "GET", "/items/1", ""},
		} {
			if _, err := ask(ctx, q.method, s.url+q.path, q.body, "X-Request-Id", q.id); err != nil {
				return errors.Join(err, s.stop())
			}
		}
		seen = s.Requests()
		err = document(ctx, r, s.url)
		return errors.Join(err, s.stop())
	})
	if err != nil {
		return err
	}
	table := unit.Table{Title: "Each request beside its commands", Columns: []string{"request", "status", "commands", "round trips", "which"}}
	chart := unit.Chart{Kind: unit.Bars, Title: "What a request costs", YLabel: "commands and round trips", Series: []unit.Series{{Name: "commands"}, {Name: "round trips", Tone: unit.Good}}}
	for _, q := range slices.Backward(seen) {
		line := q.Method + " " + q.Path
		table.Rows = append(table.Rows, []string{line, fmt.Sprint(q.Status), fmt.Sprint(q.Work.Commands), fmt.Sprint(q.Work.Calls), verbs(q.Commands)})
		chart.Series[0].Points = append(chart.Series[0].Points, unit.Point{Label: q.ID, Y: float64(q.Work.Commands)})
		chart.Series[1].Points = append(chart.Series[1].Points, unit.Point{Label: q.ID, Y: float64(q.Work.Calls)})
		if q.ID == "list" {
			r.Metric(unit.Metric{Name: "calls_list", Label: "a page", Value: float64(q.Work.Calls), Unit: "round trips", Tone: unit.Good})
		}
	}
	r.Table(table)
	r.Chart(chart)
	return nil
}

// verbs are the names of commands, in order.
func verbs(commands []web.Command) string {
	var names []string
	for _, c := range commands {
		name, _, _ := strings.Cut(c.Text, " ")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// foreign finds what a page would load from somewhere else.
var foreign = regexp.MustCompile(`(?:src|href)="(?:https?:)?//`)

// document looks at the OpenAPI document and at the page that shows it.
func document(ctx context.Context, r *unit.Run, url string) error {
	spec, err := ask(ctx, "GET", url+"/openapi.json", "")
	if err != nil {
		return err
	}
	var doc struct {
		OpenAPI    string                    `json:"openapi"`
		Paths      map[string]map[string]any `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(spec.body, &doc); err != nil {
		return fmt.Errorf("the OpenAPI document: %w", err)
	}
	operations := 0
	for path, methods := range doc.Paths {
		if strings.HasPrefix(path, "/items") {
			operations += len(methods)
		}
	}
	page, err := ask(ctx, "GET", url+"/docs", "")
	if err != nil {
		return err
	}
	r.Metric(unit.Metric{Name: "operations", Label: "operations in the document, OpenAPI " + doc.OpenAPI, Value: float64(operations)})
	r.Metric(unit.Metric{Name: "foreign", Label: "things that /docs loads from elsewhere", Value: float64(len(foreign.FindAll(page.body, -1))), Minor: true})
	table := unit.Table{Title: "What the document says of a Draft: the tags of the struct", Columns: []string{"field", "rule"}}
	for _, name := range []string{"what", "place", "value"} {
		var rule bytes.Buffer
		if err := json.Compact(&rule, doc.Components.Schemas["Draft"].Properties[name]); err != nil {
			return fmt.Errorf("the schema of %s: %w", name, err)
		}
		table.Rows = append(table.Rows, []string{name, rule.String()})
	}
	r.Table(table)
	return nil
}
