package pipe

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redistest"
)

// After which errors a call is made once more, through the client.
func TestRepeatable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{io.EOF, true},
		{context.DeadlineExceeded, true}, // not of the call's own context
		{redis.ErrPoolTimeout, true},
		{redis.ErrClosed, false},
		{redis.ErrAutoPipelineQueueFull, false},
		{redis.Nil, false},
		{redis.ErrNoScript, false},
		{answer("WRONGTYPE Operation"), false},
		{answer("LOADING Redis is loading the dataset in memory"), true},
		{answer("READONLY You can't write against a read only replica."), true},
	} {
		if got := repeatable(tt.err); got != tt.want {
			t.Errorf("repeatable(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

// answer is an error of the server.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

// A cluster client is told to look again after an error on the way, and only
// then.
func TestRefresh(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		want int
	}{
		{"network", t.Context(), io.EOF, 1},
		{"wrapped", t.Context(), fmt.Errorf("x: %w", io.EOF), 1},
		{"none", t.Context(), nil, 0},
		{"nil reply", t.Context(), redis.Nil, 0},
		{"answer", t.Context(), redis.ErrCrossSlot, 0},
		{"context", cancelled, context.Canceled, 0},
	} {
		var r reloads
		Refresh(tt.ctx, &r, tt.err)
		if int(r) != tt.want {
			t.Errorf("%s: %d reloads, want %d", tt.name, r, tt.want)
		}
	}
	Refresh(t.Context(), redistest.Client(t), io.EOF) // no cluster client: nothing to do
}

type reloads int

func (r *reloads) ReloadState(context.Context) { *r++ }
