package stream

import "github.com/prometheus/client_golang/prometheus"

// metrics are the hub's counters.
type metrics struct {
	open   prometheus.Gauge
	ended  *prometheus.CounterVec // reason: gone, slow, shutdown
	frames prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "cyan", Subsystem: "api", Name: name, Help: help}
	}
	m := &metrics{
		open: prometheus.NewGauge(prometheus.GaugeOpts(opts("streams", "Event streams that are open."))),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts(opts("streams_ended_total", "Event streams that ended, by reason.")),
			[]string{"reason"}),
		frames: prometheus.NewCounter(prometheus.CounterOpts(opts("frames_total", "Events put into streams."))),
	}
	if reg != nil {
		reg.MustRegister(m.open, m.ended, m.frames)
	}
	return m
}
