//go:build !unix

package redisproc_test

import (
	"errors"
	"testing"

	"github.com/redis-grind/grind/kit/redisproc"
)

func TestStart_unsupported(t *testing.T) {
	if _, err := redisproc.Start(t.Context(), redisproc.Options{}); !errors.Is(err, redisproc.ErrUnsupported) {
		t.Errorf("got %v, want ErrUnsupported", err)
	}
}
