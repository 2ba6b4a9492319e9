package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// noRequest is why a connection counts as refused on which no request came to
// us: another protocol was spoken, the header was too long or took too long, or
// nothing was said at all. The server answers that by itself.
const noRequest = "no_request"

// maxQuery is how many bytes a query may have: to take one of 30 KB apart costs
// more than all else in a request.
const maxQuery = 4096

// longQuery is why a request counts as refused whose query is longer.
const longQuery = "long_query"

// visits are the connections of a server.
type visits struct {
	open    sync.Map               // net.Conn → *atomic.Bool: whether a request came to us
	refused *prometheus.CounterVec // reason: no_request, long_query, too_many, from_source
}

func newVisits(reg prometheus.Registerer) *visits {
	v := &visits{refused: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "cyan", Subsystem: "api", Name: "connections_refused_total",
		Help: "Connections on which no request was answered, and requests refused unread, by reason.",
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

// refuseQuery answers a request whose query is too long to be read.
func (v *visits) refuseQuery(w http.ResponseWriter) {
	v.refused.WithLabelValues(longQuery).Inc()
	text := fmt.Sprintf("The request's query is longer than %d bytes.", maxQuery)
	_ = web.Answer(w, http.StatusRequestURITooLong, &rest.Error{Message: text, Description: text, Code: rest.CodeBodyTooLarge})
}
