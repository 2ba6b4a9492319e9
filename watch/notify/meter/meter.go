// Package meter shows Prometheus what becomes of pages. The numbers are the
// pipeline's own, and count since its journal begins: a restart does not set
// them back.
package meter

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/watch/notify"
)

// Meter gives the numbers of a pipeline. Its labels are names of outlets and
// switches, which stand in the settings: nobody else can add to them.
type Meter struct {
	status func() notify.Status
	descs
}

// descs are the metrics.
type descs struct {
	accepted, refused, retried, lost, waiting, took *prometheus.Desc // of an outlet
	paged, fallbacks, escalations                   *prometheus.Desc
	open, unacknowledged, red                       *prometheus.Desc
	beat                                            *prometheus.Desc // of a switch
}

// New makes one of a pipeline.
func New(p *notify.Pipeline) *Meter { return Of(p.Status) }

// Of makes one of whatever gives a status.
func Of(status func() notify.Status) *Meter {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("cyan_notify_"+name, help, labels, nil)
	}
	return &Meter{status, descs{
		accepted:       desc("accepted_total", "Notices that an outlet took.", "outlet"),
		refused:        desc("refused_total", "Tries that an outlet did not take.", "outlet"),
		retried:        desc("retried_total", "Tries of an outlet that were not the first of their notice.", "outlet"),
		lost:           desc("undeliverable_total", "Notices that were given up at an outlet.", "outlet"),
		waiting:        desc("waiting", "Notices on their way to an outlet.", "outlet"),
		took:           desc("accept_seconds", "From when an outlet was to be told of a page until it had taken it.", "outlet"),
		paged:          desc("page_seconds", "From an alert's opening until the first outlet had taken a page of it."),
		fallbacks:      desc("fallbacks_total", "Stages that were told because nobody before had taken the page in time."),
		escalations:    desc("escalations_total", "Stages that were called because nobody had acknowledged."),
		open:           desc("alerts_open", "Alerts that are not over."),
		unacknowledged: desc("alerts_unacknowledged", "Alerts that are not over and that nobody has acknowledged."),
		red:            desc("red", "1 while somebody has to look after how people are reached."),
		beat:           desc("switch_last_timestamp_seconds", "When a dead man's switch answered last.", "switch"),
	}}
}

// Describe implements prometheus.Collector.
func (m *Meter) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.accepted, m.refused, m.retried, m.lost, m.waiting, m.took, m.paged, m.fallbacks, m.escalations, m.open, m.unacknowledged, m.red, m.beat,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *Meter) Collect(out chan<- prometheus.Metric) {
	s := m.status()
	count := func(d *prometheus.Desc, n int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for i := range s.Outlets {
		o := &s.Outlets[i]
		count(m.accepted, o.Accepted, o.Name)
		count(m.refused, o.Refused, o.Name)
		count(m.retried, o.Retried, o.Name)
		count(m.lost, o.Lost, o.Name)
		gauge(m.waiting, float64(o.Waiting), o.Name)
		out <- histogram(m.took, &o.Took, o.Name)
	}
	out <- histogram(m.paged, &s.Paged)
	count(m.fallbacks, s.Fallbacks)
	count(m.escalations, s.Escalations)
	open, alone, red := 0, 0, 0.0
	for i := range s.Alerts {
		if a := &s.Alerts[i]; a.Resolved.IsZero() {
			open++
			if a.Acked == nil {
				alone++
			}
		}
	}
	if s.Red {
		red = 1
	}
	gauge(m.open, float64(open))
	gauge(m.unacknowledged, float64(alone))
	gauge(m.red, red)
	for i := range s.Switches {
		if w := &s.Switches[i]; !w.Last.IsZero() {
			gauge(m.beat, float64(w.Last.UnixMilli())/1000, w.Name)
		}
	}
}

func histogram(d *prometheus.Desc, t *notify.Took, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(notify.TookBounds))
	for i, bound := range notify.TookBounds {
		buckets[bound] = 0
		if t.Within != nil {
			buckets[bound] = uint64(t.Within[i])
		}
	}
	return prometheus.MustNewConstHistogram(d, uint64(t.Count), t.Seconds, buckets, labels...)
}
