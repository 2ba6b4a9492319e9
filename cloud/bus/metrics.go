package bus

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the bus's counters. Label values are enumerated beside the
// label.
type metrics struct {
	published prometheus.Counter
	delivered prometheus.Counter
	dropped   *prometheus.CounterVec   // reason: outbox_full, disconnected, too_long, slow_consumer, malformed, version
	calls     *prometheus.CounterVec   // kind: CallKind; outcome: ok or fault.Kind
	callTime  *prometheus.HistogramVec // kind: CallKind
	served    prometheus.Gauge
	refused   prometheus.Counter
	panics    prometheus.Counter
	resyncs   prometheus.Counter
}

const (
	dropOutboxFull   = "outbox_full"
	dropDisconnected = "disconnected"
	dropTooLong      = "too_long"
	dropSlow         = "slow_consumer"
	dropMalformed    = "malformed"
	dropVersion      = "version" // another than this node's
)

func newMetrics(reg prometheus.Registerer, p *presence) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "cyan", Subsystem: "bus", Name: name, Help: help})
	}
	m := &metrics{
		published: counter("events_published_total", "Events handed to the bus by this node."),
		delivered: counter("events_delivered_total", "Events that came from the bus to this node."),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "cyan", Subsystem: "bus", Name: "dropped_total", Help: "Messages that were lost, by reason.",
		}, []string{"reason"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "cyan", Subsystem: "bus", Name: "calls_total", Help: "Calls to devices made by this node.",
		}, []string{"kind", "outcome"}),
		callTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "cyan", Subsystem: "bus", Name: "call_seconds", Help: "Time from call to result.",
			Buckets: []float64{.0002, .0005, .001, .005, .02, .1, .3, 1, 3, 10, 30},
		}, []string{"kind"}),
		served: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "cyan", Subsystem: "bus", Name: "calls_in_flight", Help: "Calls that this node's gateway performs.",
		}),
		refused: counter("calls_refused_total", "Calls that this node's gateway had no room for."),
		panics:  counter("panics_total", "Panics of subscribers and gateways that the bus caught."),
		resyncs: counter("presence_resyncs_total", "Times that another node's devices were asked for anew."),
	}
	if reg == nil {
		return m
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "cyan", Subsystem: "bus", Name: name, Help: help,
		}, value)
	}
	reg.MustRegister(m.published, m.delivered, m.dropped, m.calls, m.callTime, m.served, m.refused, m.panics, m.resyncs,
		gauge("presence_devices", "Devices that some node holds.", func() float64 { d, _ := p.stats(); return float64(d) }),
		gauge("presence_nodes", "Nodes on the bus.", func() float64 { _, n := p.stats(); return float64(n) }),
		gauge("presence_other_version_nodes", "Nodes of them that speak another version, whose devices are not known here.",
			func() float64 { return float64(p.countOthers()) }))
	return m
}
