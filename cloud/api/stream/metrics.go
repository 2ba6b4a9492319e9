package stream

import "github.com/prometheus/client_golang/prometheus"

// metrics are the hub's counters.
type metrics struct {
	open   prometheus.Gauge
	ended  *prometheus.CounterVec // reason: gone, or one of rest's End constants
	frames prometheus.Counter
	missed prometheus.Counter
	gaps   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "cyan", Subsystem: "api", Name: name, Help: help}
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts(opts(name, help)))
	}
	m := &metrics{
		open: prometheus.NewGauge(prometheus.GaugeOpts(opts("streams", "Event streams that are open."))),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts(opts("streams_ended_total", "Event streams that ended, by reason.")),
			[]string{"reason"}),
		frames: counter("frames_total", "Events put into streams."),
		missed: counter("frames_missed_total", "Events that readers were too slow for."),
		gaps:   counter("stream_gaps_total", "Resumed streams that were told that events are missing."),
	}
	if reg != nil {
		reg.MustRegister(m.open, m.ended, m.frames, m.missed, m.gaps)
	}
	return m
}
