package catalog

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/internal/web"
	"github.com/redis-grind/grind/internal/web/static"
	"github.com/redis-grind/grind/kit/cache/warm"
)

//go:embed page
var pageFiles embed.FS

// page is what a person sees: the shop, and the machinery behind it with its
// switches. It is served only where web.Options.Reveal says that whoever uses it
// may do that.
type page struct {
	catalog   *Catalog
	instances *instances
	faults    app.Faults // nil: Redis is not ours to break
	server    *web.Server
	index     *template.Template

	mu     sync.Mutex
	base   context.Context // of run; nil before it
	tasks  sync.WaitGroup
	load   task
	warmed task
}

// task is work that a button starts; one of a kind at a time.
type task struct {
	running bool
	said    string // how it stands, or how it ended
	stop    context.CancelFunc
}

// register puts the page on the server. POSTs of other sites are refused.
func (p *page) register(s *web.Server) error {
	var err error
	if p.index, err = template.ParseFS(pageFiles, "page/index.html"); err != nil {
		return err
	}
	guard := http.NewCrossOriginProtection()
	s.Handle("GET /{$}", http.HandlerFunc(p.show))
	s.Handle("GET /page/{file}", http.HandlerFunc(p.file))
	s.Handle("GET /page/state", http.HandlerFunc(p.state))
	for name, do := range map[string]func(*http.Request) (string, error){
		"layer": p.layer, "expire": p.expire, "warm": p.warm, "load": p.crowd, "redis": p.redis,
	} {
		s.Handle("POST /page/"+name, guard.Handler(p.action(do)))
	}
	return nil
}

func (p *page) show(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	err := p.index.Execute(w, map[string]any{
		"Tokens": static.Href("css/tokens.css"), "Mark": static.Href("css/mark.svg"),
		"Name": p.instances.name, "Faults": p.faults != nil,
	})
	if err != nil {
		p.server.Logger().DebugContext(r.Context(), "the page was not sent", "error", err) // the reader is gone
	}
}

// file serves what belongs to the page. The types of the system are not asked: some
// machines call a script text/plain.
func (p *page) file(w http.ResponseWriter, r *http.Request) {
	kinds := map[string]string{"catalog.css": "text/css; charset=utf-8", "catalog.js": "text/javascript; charset=utf-8", "chart.js": "text/javascript; charset=utf-8"}
	name := r.PathValue("file")
	kind, ok := kinds[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, pageFiles, "page/"+name)
}

// state is all that changes, as JSON. Whoever asks with ?watch=ID has all instances
// look at that product.
func (p *page) state(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	trouble := ""
	if id, err := strconv.Atoi(r.URL.Query().Get("watch")); err == nil && id > 0 {
		if err := p.instances.watch(ctx, id); err != nil {
			trouble = "Redis does not answer"
		}
	}
	views, err := p.instances.all(ctx)
	if err != nil {
		trouble = "Redis does not answer"
	}
	layers := map[string]bool{}
	for name, layer := range p.catalog.layers.named() {
		layers[name] = layer.Load()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the reader may be gone
		"name": p.instances.name, "trouble": trouble, "counts": p.catalog.Counts(), "instances": views,
		"layers":  layers,
		"hottest": p.catalog.hot.id(), "drill": p.catalog.hot.last(),
		"load": map[string]any{"running": p.load.running, "said": p.load.said},
		"warm": map[string]any{"running": p.warmed.running, "said": p.warmed.said},
	})
}

// action answers with what a button did.
func (p *page) action(do func(*http.Request) (string, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said, err := do(r)
		if err != nil {
			p.server.Fail(w, r, notNow.Errorf("%v", err))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"said": said}) // the reader may be gone
	})
}

// layer switches a layer of this instance on or off.
func (p *page) layer(r *http.Request) (string, error) {
	on, name := r.FormValue("on") == "true", r.FormValue("name")
	layer, ok := p.catalog.layers.named()[name]
	if !ok {
		return "", fmt.Errorf("there is no layer %q", name)
	}
	layer.Store(on)
	return fmt.Sprintf("%s: %s in this instance", name, map[bool]string{true: "on", false: "off"}[on]), nil
}

// expire takes the product that is read most out of the caches of all instances.
func (p *page) expire(r *http.Request) (string, error) {
	id := p.catalog.hot.id()
	if id == 0 {
		return "", errors.New("nobody reads anything: start the load first")
	}
	p.catalog.hot.expired(id)
	if err := p.catalog.invalidate(r.Context(), id); err != nil {
		return "", errors.New("the caches were not reached: Redis does not answer")
	}
	return fmt.Sprintf("product %d is in no cache any more", id), nil
}

const (
	warmProducts = 5_000
	warmRate     = 2_000 // products a second that the store is asked for
)

// warm fills Redis with the first products.
func (p *page) warm(*http.Request) (string, error) {
	return p.start(&p.warmed, func(ctx context.Context, say func(string)) error {
		w, err := warm.New(p.catalog.products.full, p.catalog.store.Products, warm.Options[int]{
			Rate: warmRate, Total: warmProducts, Every: 200 * time.Millisecond,
			OnProgress: func(g warm.Progress[int]) { say(warmSaid(g)) },
		})
		if err != nil {
			return err
		}
		err = w.Run(ctx, p.catalog.ids(ctx, warmProducts))
		say(warmSaid(w.Progress()))
		return err
	})
}

func warmSaid(g warm.Progress[int]) string {
	return fmt.Sprintf("%d of %d products in Redis, %d of them read from the store now", g.Done-g.Failed, g.Total, g.Loaded)
}

// crowd starts or stops a load on this instance.
func (p *page) crowd(r *http.Request) (string, error) {
	if r.FormValue("on") != "true" {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.load.running {
			p.load.stop()
		}
		return "", nil
	}
	return p.start(&p.load, func(ctx context.Context, say func(string)) error {
		report, err := Load{URLs: []string{p.server.URL()}, Readers: pageReaders, For: pageLoad}.Run(ctx, func(f app.Figures) { say(loadSaid(f)) })
		if err == nil {
			say("over: " + loadSaid(report.Figures))
		}
		return err
	})
}

// The load of the page: enough to see, and to leave the machine to its user.
const (
	pageReaders = 8
	pageLoad    = 2 * time.Minute
)

func loadSaid(f app.Figures) string {
	return fmt.Sprintf("%.0f requests a second, p50 %v, p99 %v, %d errors", f.PerSecond(), f.P50.Round(10*time.Microsecond), f.P99.Round(10*time.Microsecond), f.Errors)
}

// run lets buttons start work, and ends with it.
func (p *page) run(ctx context.Context) error {
	p.mu.Lock()
	p.base = ctx
	p.mu.Unlock()
	<-ctx.Done()
	p.tasks.Wait()
	return nil
}

// start runs work in the background, until it ends, is stopped, or run ends.
func (p *page) start(t *task, work func(ctx context.Context, say func(string)) error) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.running || p.base == nil || p.base.Err() != nil {
		return "", errors.New("it runs already, or the server does not")
	}
	ctx, stop := context.WithCancel(p.base)
	t.running, t.said, t.stop = true, "begins", stop
	say := func(said string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		t.said = said
	}
	p.tasks.Go(func() {
		defer stop()
		err := work(ctx, say)
		if err != nil && ctx.Err() == nil {
			p.server.Logger().Warn("what a button started failed", "error", err)
			say("it failed; the log says why")
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		t.running = false
	})
	return "", nil
}

// redis pauses or kills the Redis that grind started, and brings it back.
func (p *page) redis(r *http.Request) (said string, err error) {
	if p.faults == nil {
		return "", errors.New("this Redis is not one that grind started")
	}
	switch r.FormValue("do") {
	case "pause":
		said, err = "Redis stands still", p.faults.Pause()
	case "resume":
		said, err = "Redis goes on", p.faults.Resume()
	case "kill":
		said, err = "Redis was killed", p.faults.Kill(r.Context())
	case "restart":
		said, err = "Redis was started again, empty", p.faults.Restart(r.Context())
	default:
		err = errors.New("there is no such button")
	}
	return said, err
}
