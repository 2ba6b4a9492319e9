package store

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// The values of the label "queue".
const (
	queueSession = "session"
	queueAttempt = "attempt"
	queueSeen    = "seen"
)

// The values of the label "result".
const (
	resultOK     = "ok"
	resultFailed = "failed"
)

type writerMetrics struct {
	refused *prometheus.CounterVec // by queue
	commits *prometheus.CounterVec // by result
	rows    prometheus.Histogram
	took    prometheus.Histogram
	spoiled prometheus.Counter
}

func newWriterMetrics() *writerMetrics {
	m := &writerMetrics{
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cyan_store_refused_total", Help: "Rows not taken because their queue was full or the store closed, by queue.",
		}, []string{"queue"}),
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cyan_store_commits_total", Help: "Group commits, by result.",
		}, []string{"result"}),
		rows: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cyan_store_commit_rows", Help: "Rows in a group commit.", Buckets: prometheus.ExponentialBuckets(1, 4, 6),
		}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cyan_store_commit_seconds", Help: "Time of a group commit, the sync to the disk included.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		spoiled: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cyan_store_spoiled_total", Help: "Rows that nobody waited for and that the database would not have.",
		}),
	}
	for _, q := range []string{queueSession, queueAttempt, queueSeen} {
		m.refused.WithLabelValues(q)
	}
	for _, r := range []string{resultOK, resultFailed} {
		m.commits.WithLabelValues(r)
	}
	return m
}

// register hands the store's metrics to r. Nil: nowhere.
func (s *Store) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	w, m := s.writer, s.writer.metrics
	depth := func(queue string, length func(Stats) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "cyan_store_queue_rows", Help: "Rows waiting to be written, by queue.",
			ConstLabels: prometheus.Labels{"queue": queue},
		}, func() float64 { return float64(length(w.stats())) })
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.refused, m.commits, m.rows, m.took, m.spoiled, s.pruned,
		depth(queueSession, func(s Stats) int { return s.Sessions }),
		depth(queueAttempt, func(s Stats) int { return s.Attempts }),
		depth(queueSeen, func(s Stats) int { return s.Seen }),
	} {
		errs = append(errs, r.Register(c))
	}
	return errors.Join(errs...)
}

// Stats is what waits in the writer's queues now, in rows, and whether the
// last commit went wrong.
type Stats struct {
	Sessions, Attempts, Seen int
	Failing                  bool
}

// Stats tells how the writer is doing.
func (s *Store) Stats() Stats { return s.writer.stats() }

func (w *writer) stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Stats{Sessions: len(w.sessions), Attempts: len(w.attempts), Seen: len(w.seen), Failing: w.failing.Load()}
}
