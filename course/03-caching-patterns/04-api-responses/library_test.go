package library

import (
	"testing"

	"github.com/redis-grind/grind/internal/unit/unittest"
)

func TestClaims(t *testing.T) { unittest.Claims(t, &Unit) }

func TestLesson(t *testing.T) { unittest.Lesson(t, &Unit) }
