package web

import "github.com/prometheus/client_golang/prometheus"

// metrics are the door's counters. Label values are enumerated beside the
// label; routes are patterns, never paths.
type metrics struct {
	requests *prometheus.CounterVec   // route, status
	seconds  *prometheus.HistogramVec // route
	errors   *prometheus.CounterVec   // code: of wire/rest, or a kind of cloud/fault
	refused  prometheus.Counter
	panics   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "cyan", Subsystem: "api", Name: name, Help: help}
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(opts("requests_total", "Requests answered."), []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "cyan", Subsystem: "api", Name: "request_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.0005, .001, .005, .02, .1, .3, 1, 3, 10, 30},
		}, []string{"route"}),
		errors: prometheus.NewCounterVec(opts("errors_total", "Requests that failed, by code."), []string{"code"}),
		refused: prometheus.NewCounter(opts("fresh_tokens_refused_total",
			"Answers 401 to a token issued within the last minute and not revoked: each is a defect of this server.")),
		panics: prometheus.NewCounter(opts("panics_total", "Panics of handlers that were caught.")),
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.seconds, m.errors, m.refused, m.panics)
	}
	return m
}
