package web

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics is what /metrics tells. Every label has few values: the route is a
// pattern, methods and commands that are not known share one.
type metrics struct {
	registry *prometheus.Registry
	inFlight prometheus.Gauge
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	perReq   *prometheus.HistogramVec
	commands *prometheus.CounterVec

	mu    sync.RWMutex
	names map[string]string // of commands, as labels
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		names:    map[string]string{},
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_requests_in_flight", Help: "Requests being served."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered."}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "From the header of a request to the end of its answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method"}),
		perReq: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_redis_commands", Help: "Redis commands sent under a request's context.",
			Buckets: []float64{0, 1, 2, 3, 5, 10, 20, 50, 100},
		}, []string{"route"}),
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "redis_commands_total", Help: "Redis commands sent, by all of the program."}, []string{"command", "result"}),
	}
	m.registry.MustRegister(m.inFlight, m.requests, m.duration, m.perReq, m.commands,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) served(route, method string, status int, took time.Duration, work Work) {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(route, method).Observe(took.Seconds())
	m.perReq.WithLabelValues(route).Observe(float64(work.Commands))
}

// maxNames bounds the label of commands; Redis 7.0 has 240.
const maxNames = 300

func (m *metrics) command(name string, failed bool) {
	result := "ok"
	if failed {
		result = "error"
	}
	m.commands.WithLabelValues(m.label(name), result).Inc()
}

func (m *metrics) label(name string) string {
	m.mu.RLock()
	label, ok := m.names[name]
	m.mu.RUnlock()
	if ok {
		return label
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.names) >= maxNames {
		return "other"
	}
	m.names[name] = name
	return name
}
