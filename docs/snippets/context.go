package snippets

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

// API answers requests with what it finds in Redis.
type API struct {
	redis *redis.Client
}

// region: constructor

// NewAPI makes the handlers. What they need comes in here, once.
func NewAPI(client *redis.Client) *API {
	return &API{redis: client}
}

// endregion

// region: context

// Greeting answers within 200 ms, whatever Redis does. The client must have
// ContextTimeoutEnabled set.
func (a *API) Greeting(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 200*time.Millisecond)
	defer cancel()
	text, err := a.redis.Get(ctx, "greeting").Result()
	if err != nil {
		http.Error(w, "no greeting today", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprint(w, text)
}

// endregion
