package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// office is the head office. It knows everything, and each question takes its time.
type office struct {
	url  string
	http *http.Client
}

func newOffice(url string) *office {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	return &office{url: url, http: &http.Client{Transport: transport, Timeout: 5 * time.Second}}
}

// terms are what a customer is granted.
type terms struct {
	Customer string `json:"customer"` // such as Ada
	Account  string `json:"account"`
	Discount int64  `json:"discount"` // hundredths of a per cent
}

// sheet is the sheet of all rates that hangs at the windows.
type sheet struct {
	Number int64            `json:"number"`
	Rates  map[string]int64 `json:"rates"`
}

// rate asks what one unit of the first currency of a pair, such as EUR-USD, costs in
// the second: in ten thousandths.
func (o *office) rate(ctx context.Context, pair string) (rate int64, err error) {
	return rate, o.ask(ctx, http.MethodGet, "/rates/"+pair, nil, &rate)
}

// setRate changes a rate. When it returns nil the office has the new one.
func (o *office) setRate(ctx context.Context, pair string, rate int64) error {
	return o.ask(ctx, http.MethodPut, "/rates/"+pair, rate, nil)
}

// sheet asks for the sheet as of now, which the office works out each time.
func (o *office) sheet(ctx context.Context) (s sheet, err error) {
	return s, o.ask(ctx, http.MethodGet, "/sheet", nil, &s)
}

// terms asks what a customer is granted.
func (o *office) terms(ctx context.Context, account string) (t terms, err error) {
	return t, o.ask(ctx, http.MethodGet, "/customers/"+account, nil, &t)
}

// notice asks what is to be read at a desk.
func (o *office) notice(ctx context.Context, desk string) (text string, err error) {
	return text, o.ask(ctx, http.MethodGet, "/notices/"+desk, nil, &text)
}

// setNotice changes a notice. When it returns nil the office has the new one.
func (o *office) setNotice(ctx context.Context, desk, text string) error {
	return o.ask(ctx, http.MethodPut, "/notices/"+desk, text, nil)
}

// ask sends one question; in is its body, and out takes the answer, both as JSON.
func (o *office) ask(ctx context.Context, method, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, o.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	reply, err := o.http.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	switch {
	case err != nil:
		return err
	case reply.StatusCode == http.StatusNotFound:
		return errors.New("the head office does not know that")
	case reply.StatusCode != http.StatusOK:
		return fmt.Errorf("the head office answers %s", reply.Status)
	case out == nil:
		return nil
	}
	return json.Unmarshal(body, out)
}
