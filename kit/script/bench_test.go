package script_test

import (
	"testing"

	"github.com/redis-grind/grind/kit/redistest"
)

// What Run adds to a bare EVALSHA of go-redis: one caller, a script that does
// nothing.
//
//	go test -run '^$' -bench Run ./kit/script
func BenchmarkScript_Run(b *testing.B) {
	c := redistest.Client(b)
	s := fresh(b, `return 1`)
	keys := []string{"{user:42}:a", "{user:42}:b"}
	if err := s.Run(b.Context(), c, keys, 1, "token").Err(); err != nil {
		b.Fatal(err)
	}
	b.Run("bare", func(b *testing.B) {
		sha := c.ScriptLoad(b.Context(), `return 1`).Val()
		b.ReportAllocs()
		for b.Loop() {
			if err := c.EvalSha(b.Context(), sha, keys, 1, "token").Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Run", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Run(b.Context(), c, keys, 1, "token").Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
