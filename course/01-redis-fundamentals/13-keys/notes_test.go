package notes

import (
	"testing"

	"github.com/redis-grind/grind/internal/unit/unittest"
)

func TestClaims(t *testing.T) { unittest.Claims(t, &Unit) }

func TestLesson(t *testing.T) { unittest.Lesson(t, &Unit) }

// The slots are those that the cluster's specification and redis-cli name.
func TestSlot(t *testing.T) {
	for key, want := range map[string]int{"foo": 12182, "bar": 5061, "note:{foo}:1": 12182, "123456789": 12739, "a{}b": slot("a{}b")} {
		if got := slot(key); got != want {
			t.Errorf("slot(%q): got %d, want %d", key, got, want)
		}
	}
	if slot("a{}b") == slot("c{}b") {
		t.Error("an empty hash tag must count as none")
	}
}
