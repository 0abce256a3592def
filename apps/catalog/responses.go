package catalog

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/cache/httpcache"
)

const (
	responseTTL     = 30 * time.Second
	memoryResponses = 5_000
)

// responses keeps whole answers of the reading operations, ready to be sent, in
// memory and in Redis. Like layered it is two caches over the same keys, since a
// person may switch memory off.
type responses struct {
	full, shallow *httpcache.Cache
	catalog       *Catalog
}

func newResponses(client redis.UniversalClient, c *Catalog, o httpcache.Options) (*responses, error) {
	o.Host = "catalog" // all instances answer the same, whatever their addresses
	o.KeepQuery = []string{"limit", "cursor", "q"}
	o.IgnoreReload = true // an answer is as old as we say here, and each reload would be work for the store
	o.LoadTimeout, o.OriginLimit = loadTimeout+time.Second, originLimit
	shallow, err := httpcache.New(client, o)
	if err != nil {
		return nil, err
	}
	o.Local = cache.Local{Entries: memoryResponses, TTL: memoryTTL}
	full, err := httpcache.New(client, o)
	if err != nil {
		return nil, err
	}
	c.followedBy(full.InvalidateTag)
	return &responses{full, shallow, c}, nil
}

// run keeps what is in memory true until ctx ends.
func (s *responses) run(ctx context.Context) error { return s.full.Run(ctx) }

// through is the cache that a request goes through, and nil for none: the layer is
// off, or there are changes of which it could not be told.
func (s *responses) through() *httpcache.Cache {
	switch l := &s.catalog.layers; {
	case !l.Responses.Load() || s.catalog.untold.any():
		return nil
	case l.Memory.Load():
		return s.full
	}
	return s.shallow
}

// before puts the cache before an operation.
func (s *responses) before(ctx huma.Context, next func(huma.Context)) {
	through := s.through()
	if through == nil {
		ctx.SetHeader("Cache-Control", toClients)
		next(ctx)
		return
	}
	r, w := humago.Unwrap(ctx)
	through.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next(humago.NewContext(ctx.Operation(), r.WithContext(forAll(r.Context())), w))
	})).ServeHTTP(&outside{w, s.catalog, r}, r)
}

// toClients is what clients are told instead of what the operations tell the cache:
// nobody could take an answer back that a browser keeps. With its ETag they ask
// whether theirs still stands.
const toClients = "no-cache"

// outside is what the cache answers through.
type outside struct {
	http.ResponseWriter
	catalog *Catalog
	request *http.Request
}

// Unwrap leads http.ResponseController to the connection.
func (w *outside) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader counts what the operation knows nothing of.
func (w *outside) WriteHeader(status int) {
	h := w.Header()
	h.Set("Cache-Control", toClients)
	if from, ready := sourceOf(strings.Join(h.Values("Cache-Status"), ",")); ready {
		id, _ := strconv.Atoi(w.request.PathValue("id")) // a list has none
		w.catalog.readReady(id, from)
	}
	w.ResponseWriter.WriteHeader(status)
}

// responseCache is the end of the response cache's name.
const responseCache = "response"

// sourceOf reads from a Cache-Status where an answer came from, and whether it was
// a response that stood ready.
func sourceOf(status string) (from cache.Source, ready bool) {
	for member := range strings.SplitSeq(status, ",") {
		name, said, _ := strings.Cut(strings.ReplaceAll(member, " ", ""), ";")
		if !strings.HasPrefix(said, "hit") {
			continue
		}
		ready = strings.HasSuffix(name, responseCache)
		if name == "memory" || strings.HasSuffix(said, "detail=memory") {
			return cache.Memory, ready
		}
		return cache.Redis, ready
	}
	return cache.Origin, false
}

type forAllKey struct{}

// forAll marks the making of a response that all instances will answer with. What
// goes into it must not come from this instance's memory, which learns of a change
// some time after the caches in Redis: it would bring back there what the change has
// just taken away, for everybody.
func forAll(ctx context.Context) context.Context { return context.WithValue(ctx, forAllKey{}, true) }

func isForAll(ctx context.Context) bool { return ctx.Value(forAllKey{}) != nil }

// keepFor is what an operation tells the response cache of its answer: for how
// long, which is not longer than what it was made of, and which changes concern it.
func keepFor[V any](ctx context.Context, a Answer[V], shown ...Product) (cacheControl, surrogateKey string) {
	if !isForAll(ctx) {
		return toClients, ""
	}
	if a.Stale { // the next one asks again
		return "no-store", ""
	}
	fresh := responseTTL
	if a.Fresh > 0 {
		fresh = min(fresh, a.Fresh)
	}
	tags := make([]string, len(shown))
	for i, p := range shown {
		tags[i] = listsOf(p.ID)
	}
	// The lifetime counts from when the answer was read from the store, as Age does.
	seconds := int(a.Age/time.Second) + max(1, int(fresh/time.Second))
	return fmt.Sprintf("s-maxage=%d", seconds), strings.Join(tags, " ")
}
