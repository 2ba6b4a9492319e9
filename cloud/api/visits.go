package api

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// noRequest is why a connection counts as refused on which no request came to
// us: another protocol was spoken, the header was too long or took too long, or
// nothing was said at all. The server answers that by itself.
const noRequest = "no_request"

// visits are the connections of a server.
type visits struct {
	open    sync.Map               // net.Conn → *atomic.Bool: whether a request came to us
	refused *prometheus.CounterVec // reason: no_request, too_many, from_source
}

func newVisits(reg prometheus.Registerer) *visits {
	v := &visits{refused: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "cyan", Subsystem: "api", Name: "connections_refused_total",
		Help: "Connections that were closed and on which no request was answered, by reason.",
	}, []string{"reason"})}
	if reg != nil {
		reg.MustRegister(v.refused)
	}
	return v
}

type visitKey struct{}

// enter notes a new connection.
func (v *visits) enter(ctx context.Context, c net.Conn) context.Context {
	asked := new(atomic.Bool)
	v.open.Store(c, asked)
	return context.WithValue(ctx, visitKey{}, asked)
}

// asked notes that a request came.
func asked(r *http.Request) {
	if asked, ok := r.Context().Value(visitKey{}).(*atomic.Bool); ok {
		asked.Store(true)
	}
}

// leave looks back at a connection.
func (v *visits) leave(c net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	if asked, ok := v.open.LoadAndDelete(c); ok && !asked.(*atomic.Bool).Load() {
		v.refused.WithLabelValues(noRequest).Inc()
	}
}
