package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/device"
)

// Why something was dropped before it came to a lane. Together with the
// lane's reasons these are the values of the label `reason` of
// cyan_gateway_dropped_total.
const (
	dropMailbox   = "mailbox_full"       // a datagram: the lane is behind
	dropQueue     = "queue_full"         // a handshake's datagram: too many wait
	dropLate      = "queue_late"         // likewise: it has waited too long
	dropEvent     = "event_mailbox_full" // an event for devices: likewise
	dropOversized = "oversized"          // a datagram longer than any device's
	dropAccept    = "accept_failed"      // the system gave us no TCP connection, out of files most likely
	dropUnsent    = "unsent"             // a datagram that the system did not take
	dropPublish   = "publish_refused"    // an event of a device that the bus did not take
	dropPanic     = "panic"              // an input whose handling panicked: a defect
)

// metrics are what a gateway counts. A nil *metrics counts nothing.
type metrics struct {
	attempts *prometheus.CounterVec
	drops    *prometheus.CounterVec
	cookies  prometheus.Counter
	stage    *prometheus.HistogramVec
	remedies *prometheus.CounterVec
	waited   *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer, g *Gateway) *metrics {
	t := g.table
	if reg == nil {
		return nil
	}
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cyan_gateway_attempts_total",
			Help: "Connection attempts that ended, by transport, outcome, reason code and who is at fault.",
		}, []string{"transport", "outcome", "reason", "fault"}),
		cookies: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cyan_gateway_cookies_total",
			Help: "Handshakes on UDP that were asked to prove their address: one for each that is begun, and all of a flood.",
		}),
		drops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cyan_gateway_dropped_total",
			Help: "Datagrams, connections and events dropped without an answer, by reason.",
		}, []string{"reason"}),
		remedies: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cyan_gateway_remedies_total",
			Help: "What was tried with devices that hold a session and do not answer, from a ping to the list of those that need hands.",
		}, []string{"remedy"}),
		waited: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cyan_gateway_queue_seconds",
			Help:    "How long handshakes waited for their turn, by transport. They are let in while it is below what a device bears.",
			Buckets: []float64{.001, .005, .02, .1, .5, 1, 2, 4, 8, 20},
		}, []string{"transport"}),
		stage: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cyan_gateway_attempt_seconds",
			Help:    "How long connection attempts took, from the first packet to the end.",
			Buckets: []float64{.01, .03, .1, .3, 1, 3, 6, 10, 30, 90},
		}, []string{"transport", "outcome"}),
	}
	reg.MustRegister(m.attempts, m.drops, m.stage, m.remedies, m.waited)
	for state, count := range map[string]func() float64{
		"online": func() float64 { connected, limbo := t.Count(); return float64(connected - limbo) },
		"limbo":  func() float64 { _, limbo := t.Count(); return float64(limbo) },
	} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "cyan_gateway_sessions", Help: "Connected devices, by whether they answer.",
			ConstLabels: prometheus.Labels{"state": state},
		}, count))
	}
	if len(g.cfg.TCP) > 0 {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "cyan_gateway_door", Help: "Whether a devices' port is open (1) or closed because every attempt fails through us (0), by transport.",
			ConstLabels: prometheus.Labels{"transport": "tcp"},
		}, func() float64 {
			if g.ClosedSince().IsZero() {
				return 1
			}
			return 0
		}))
	}
	reg.MustRegister(m.cookies)
	return m
}

// Attempt counts a connection attempt that ended.
func (m *metrics) Attempt(try *device.Attempt) {
	if m == nil {
		return
	}
	m.attempts.WithLabelValues(try.Transport, try.Outcome.String(), string(try.Reason), string(try.Reason.Fault())).Inc()
	m.stage.WithLabelValues(try.Transport, try.Outcome.String()).Observe(try.Ended.Sub(try.Started).Seconds())
}

// Cookie counts a hello that was asked to prove its address.
func (m *metrics) Cookie() {
	if m != nil {
		m.cookies.Inc()
	}
}

// Dropped counts what was dropped without an answer.
func (m *metrics) Dropped(reason string) {
	if m != nil {
		m.drops.WithLabelValues(reason).Inc()
	}
}

// Remedy counts what was tried with a device that does not answer.
func (m *metrics) Remedy(r device.Remedy) {
	if m != nil {
		m.remedies.WithLabelValues(r.String()).Inc()
	}
}

// The queues in which handshakes wait.
const (
	queueUDP = "udp"
	queueTCP = "tcp"
)

// Waited counts how long a handshake waited for its turn.
func (m *metrics) Waited(transport string, d time.Duration) {
	if m != nil {
		m.waited.WithLabelValues(transport).Observe(d.Seconds())
	}
}
