package main

import (
	"os"
	"testing"

	"github.com/redis-grind/grind/kit/redistest"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(envReader); config != "" {
		readerMain(config) // this binary is a process of readers too
		return
	}
	redistest.Main(m)
}

// Four processes load an expired key once with kit/cache; the counting works, for
// go-redis/cache loads it once in each.
func TestRush(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for peer, want := range map[string]int{"kit/cache": 1, "go-redis/cache": processes} {
		children := make([]*child, processes)
		for i := range children {
			if children[i], err = newChild(t.Context(), program, childConfig(peer, redistest.Server(t).Addr())); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(children[i].end)
		}
		loads, took, err := rush(children, redistest.Prefix(t))
		if err != nil {
			t.Fatal(err)
		}
		if loads != want || len(took) != readers {
			t.Errorf("%s: %d readers, %d loads, want %d and %d", peer, len(took), loads, readers, want)
		}
		if took[0] <= 0 || took[len(took)-1] < slowLoad {
			t.Errorf("%s: readers waited from %v to %v for a load of %v", peer, took[0], took[len(took)-1], slowLoad)
		}
	}
}
