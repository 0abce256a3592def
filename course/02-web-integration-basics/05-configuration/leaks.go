package settings

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/connect"
)

// shortened is an error without what is different in each run.
func shortened(err error, addr string) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, addr+": "); ok {
		return after
	}
	return text
}

// reports are common ways to tell of a URL that is wrong.
var reports = []struct {
	name string
	tell func(address string) string
}{
	{`fmt.Errorf("bad REDIS_URL %q", v)`, func(address string) string { return fmt.Errorf("bad REDIS_URL %q", address).Error() }},
	{"the error of url.Parse", func(address string) string { _, err := url.Parse(address); return told(err) }},
	{"the error of redis.ParseURL", func(address string) string { _, err := redis.ParseURL(address); return told(err) }},
	{`log("starting with %+v", options)`, func(address string) string {
		o, err := redis.ParseURL(strings.NewReplacer("x6379", "6379", "%zz", "").Replace(address))
		if err != nil {
			return ""
		}
		return fmt.Sprintf("starting with %+v", *o)
	}},
	{"kit/connect", func(address string) string {
		_, err := connect.Open(context.Background(), connect.Options{URL: address})
		return told(err) + fmt.Sprintf(" %+v", connect.Options{URL: address})
	}},
}

func told(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// wrongURLs are mistyped, and hold the secret.
var wrongURLs = []string{
	"redis://:" + secret + "@cache.internal:x6379/0",
	"redis://:" + secret + "@cache.internal:6379/%zz",
	"redis://app:" + secret + "@cache internal:6379",
}

// leaking counts the messages that show the password.
func leaking(_ context.Context, r *unit.Run) error {
	r.Step("%d mistyped URLs with a password in them, and what is written to the log about each.", len(wrongURLs))
	table := unit.Table{Title: "Log lines that show the password", Columns: []string{"written by", "lines", "with the password"}}
	common := 0
	for _, report := range reports {
		leaks := 0
		for _, address := range wrongURLs {
			if strings.Contains(report.tell(address), secret) {
				leaks++
			}
		}
		if report.name == "kit/connect" {
			r.Metric(unit.Metric{Name: "leaks_connect", Label: "log lines with the password, by kit/connect", Value: float64(leaks), Tone: unit.Good})
		} else {
			common += leaks
		}
		table.Rows = append(table.Rows, []string{report.name, fmt.Sprint(len(wrongURLs)), fmt.Sprint(leaks)})
	}
	r.Metric(unit.Metric{Name: "leaks_common", Label: "log lines with the password, by the others", Value: float64(common), Tone: unit.Bad})
	r.Table(table)
	return nil
}
