package health_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/redis-grind/grind/kit/health"
	"github.com/redis-grind/grind/kit/redistest"
)

func ExampleNew() {
	client := redistest.ExampleClient()
	defer client.Close()

	h, err := health.New(health.Options{
		Checks:   []health.Check{health.Redis(client, health.RedisOptions{})},
		Interval: 10 * time.Millisecond, // an example is in a hurry
		MaxAge:   time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()

	status := func(probe http.Handler) int {
		w := httptest.NewRecorder()
		probe.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return w.Code
	}
	for status(h.Startup()) != http.StatusOK {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("alive", status(h.Live()), "ready", status(h.Ready()))

	h.Drain() // first in a shutdown
	fmt.Println("alive", status(h.Live()), "ready", status(h.Ready()))
	cancel()
	fmt.Println(<-done)
	// Output:
	// alive 200 ready 200
	// alive 200 ready 503
	// <nil>
}

func ExampleRedis() {
	client := redistest.ExampleClient()
	defer client.Close()
	check := health.Redis(client, health.RedisOptions{Stream: true, PubSub: true})

	// Run calls it. By hand:
	fmt.Println(check.Func(context.Background()))
	// Output: <nil>
}

func ExampleFail() {
	full := func(context.Context) error {
		return health.Fail("disk full", fmt.Errorf("/data on db-7: 0 bytes left"))
	}
	h, err := health.New(health.Options{Checks: []health.Check{{Name: "disk", Func: full}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	for h.Report().Checks[0].Detail != "disk full" { // the log has the rest
		time.Sleep(time.Millisecond)
	}
	fmt.Println(h.Report().Ready)
	cancel()
	if err := <-done; err != nil {
		fmt.Println(err)
	}
	// Output: false
}

func ExampleHealth_Heartbeat() {
	h, err := health.New(health.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	pulse, err := h.Heartbeat("mail worker", 30*time.Second)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pulse.Stop()
	for range 3 { // the worker's loop
		pulse.Beat() // whatever came of the turn
	}
	fmt.Println(len(h.Stuck()))
	// Output: 0
}
