package main

import (
	"encoding/json"
	"maps"
	"os"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(envServer); config != "" {
		serverMain(config) // this binary is the catalog too
		return
	}
	os.Exit(m.Run())
}

// All programs answer with the same product, from each layer, the first time and
// when it is cached; one that is not there is refused; and they leave no process.
func TestSameAnswers(t *testing.T) {
	for _, layer := range []string{"redis", "memory"} {
		programs, end, err := startAll(t.Context(), layer, "../fastapi")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(end)
		if len(programs) != 3 {
			t.Fatalf("%d programs, want 3", len(programs))
		}
		for _, id := range []int{1, 17, products} {
			var want map[string]any
			for n, p := range append(programs, programs...) {
				c := newClient(p.addr, 1)
				body, err := c.read(t.Context(), id)
				if err != nil {
					t.Fatalf("%s, %s: %v", layer, p.name, err)
				}
				got := map[string]any{}
				if err := json.Unmarshal(body, &got); err != nil {
					t.Fatal(err)
				}
				delete(got, "$schema") // where its description is
				c.close()
				if n == 0 {
					want = got
				} else if !maps.Equal(got, want) {
					t.Errorf("%s, %s: got %v, want %v as the catalog has it", layer, p.name, got, want)
				}
			}
			if want["id"] != float64(id) || want["name"] == "" || len(want) != 6 {
				t.Errorf("product %d is %v", id, want)
			}
		}
		for _, p := range programs {
			c := newClient(p.addr, 1)
			if body, err := c.read(t.Context(), products+1); err == nil {
				t.Errorf("%s: a product that is not there is answered with %s", p.name, body)
			}
			c.close()
		}
		end()
		for _, p := range programs {
			if p.alive() {
				t.Errorf("%s: processes of its group are left", p.name)
			}
		}
	}
}

// What the processes of a program use is seen, whichever of them works.
func TestProgram_cpuTime(t *testing.T) {
	programs, end, err := startAll(t.Context(), "redis", "../fastapi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	for _, p := range programs {
		c := newClient(p.addr, 1)
		before, begun := p.cpuTime(), time.Now()
		for p.cpuTime()-before < 50*time.Millisecond {
			if err := c.get(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			if time.Since(begun) > 20*time.Second {
				t.Fatalf("%s: %v of processor time after %v of requests", p.name, p.cpuTime()-before, time.Since(begun))
			}
		}
		c.close()
	}
}
