package eventlog

import "github.com/prometheus/client_golang/prometheus"

// metrics are the log's counters.
type metrics struct {
	events, refused, lost, pruned prometheus.Counter
	commits                       *prometheus.CounterVec // result: ok, failed
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "cyan", Subsystem: "eventlog", Name: name, Help: help})
	}
	m := &metrics{
		events:  counter("events_total", "Events put into the history."),
		refused: counter("refused_total", "Events that the history had no room to wait for."),
		lost:    counter("lost_total", "Events that the history could not write."),
		pruned:  counter("pruned_total", "Events that were dropped for their age or for want of room."),
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "cyan", Subsystem: "eventlog", Name: "commits_total", Help: "Transactions of the history, by result.",
		}, []string{"result"}),
	}
	if reg != nil {
		reg.MustRegister(m.events, m.refused, m.lost, m.pruned, m.commits)
	}
	return m
}
