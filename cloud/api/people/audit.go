package people

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Audit keeps the audit log.
type Audit interface {
	AddEntries(ctx context.Context, entries []account.Entry) error
	Audit(ctx context.Context, q account.AuditQuery) ([]account.Entry, error)
}

const (
	maxWaiting = 1 << 12          // entries that wait to be written; those beyond are only logged
	maxBatch   = 500              // entries written at a time
	gather     = time.Second / 10 // what comes so soon after a write goes out with the next
	writeTime  = 10 * time.Second // for one batch
)

// Recorder appends to the audit log without holding requests up. What the
// store does not take is logged instead, and counted.
//
// An entry after a pause is written at once. Those that follow are written ten
// times a second: to sync each by itself would cost as much as a call does.
type Recorder struct {
	// Set at NewRecorder.
	store Audit
	log   *slog.Logger
	lost  prometheus.Counter

	waiting chan account.Entry // closed by Close; when full, entries are lost
	closing chan struct{}      // closed by Close: what waits is written without a rest
	done    sync.WaitGroup
	mu      sync.RWMutex
	closed  bool // guarded by mu
}

// NewRecorder makes a recorder. Close ends it.
func NewRecorder(store Audit, reg prometheus.Registerer, log *slog.Logger) *Recorder {
	c := &Recorder{store: store, log: log, waiting: make(chan account.Entry, maxWaiting), closing: make(chan struct{})}
	c.lost = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "cyan", Subsystem: "api", Name: "audit_lost_total", Help: "Entries of the audit log that stand in the log only.",
	})
	if reg != nil {
		reg.MustRegister(c.lost)
	}
	c.done.Go(c.write) // until Close
	return c
}

// Record takes an entry. It does not block.
func (c *Recorder) Record(e account.Entry) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.closed {
		select {
		case c.waiting <- e:
			return
		default:
		}
	}
	c.lose(e)
}

// Close writes what waits.
func (c *Recorder) Close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.waiting)
		close(c.closing)
	}
	c.mu.Unlock()
	c.done.Wait()
}

func (c *Recorder) write() {
	for e := range c.waiting {
		batch := []account.Entry{e}
		for more := true; more && len(batch) < maxBatch; {
			select {
			case e, ok := <-c.waiting:
				if more = ok; ok {
					batch = append(batch, e)
				}
			default:
				more = false
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), writeTime)
		if err := c.store.AddEntries(ctx, batch); err != nil {
			c.log.Error("audit log not written", "err", err, "entries", len(batch))
			for _, e := range batch {
				c.lose(e)
			}
		}
		cancel()
		if len(batch) < maxBatch {
			c.rest()
		}
	}
}

// rest lets entries gather.
func (c *Recorder) rest() {
	select {
	case <-time.After(gather):
	case <-c.closing:
	}
}

func (c *Recorder) lose(e account.Entry) {
	c.lost.Inc()
	c.log.Warn("audit", "at", e.At, "user", e.User, "service", e.Service, "token", e.Token, "source", e.Source,
		"action", e.Action, "object", e.Object, "outcome", e.Outcome, "request", e.Request)
}

const (
	standardEntries = 100
	maxEntries      = 1000 // of a page
)

// audit answers GET /v1/audit: what the caller did, and what was tried at his
// account; for an administrator who asks for all, what everybody did.
func (p *People) audit(w http.ResponseWriter, r *web.Request) error {
	q, err := p.auditQuery(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	if query.Get("format") == "jsonl" || strings.Contains(r.Header.Get("Accept"), "ndjson") {
		return p.exportAudit(w, r, q, query.Has("limit"))
	}
	list, err := p.cfg.Audit.Audit(r.Context(), q)
	if err != nil {
		return web.StoreError(err)
	}
	page := rest.AuditPage{Entries: make([]rest.AuditEntry, len(list))}
	for i := range list {
		page.Entries[i] = entryView(&list[i])
	}
	if len(list) == q.Limit {
		page.Next = rest.Text(list[len(list)-1].ID)
	}
	return web.Answer(w, http.StatusOK, page)
}

func (p *People) auditQuery(r *web.Request) (account.AuditQuery, error) {
	query := r.URL.Query()
	q := account.AuditQuery{User: r.Caller.User, Before: query.Get("before"), Limit: standardEntries}
	if v := query.Get("since"); v != "" {
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return q, web.Malformed("the parameter since is not a date of the form 2026-01-31T12:00:00Z")
		}
		q.Since = at
	}
	if v := query.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > maxEntries {
			return q, web.Malformed("the parameter limit is not a number from 1 to " + strconv.Itoa(maxEntries))
		}
		q.Limit = n
	}
	switch query.Get("all") {
	case "", "false", "0":
		return q, nil
	case "true", "1":
	default:
		return q, web.Malformed("the parameter all is neither true nor false")
	}
	if err := p.administrator(r); err != nil {
		return q, err
	}
	q.User = ""
	return q, nil
}

// administrator refuses a caller who is none.
func (p *People) administrator(r *web.Request) error {
	u, err := p.cfg.Accounts.User(r.Context(), r.Caller.User)
	if err != nil {
		return web.StoreError(err)
	}
	if !u.Admin {
		return fault.Errorf(fault.Denied, "only an administrator of this server may do that")
	}
	return nil
}

// exportAudit writes one entry a line, newest first: all there are, unless a
// limit was asked for.
func (p *People) exportAudit(w http.ResponseWriter, r *web.Request, q account.AuditQuery, limited bool) error {
	if !limited {
		q.Limit = maxEntries
	}
	list, err := p.cfg.Audit.Audit(r.Context(), q)
	if err != nil {
		return web.StoreError(err)
	}
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for {
		for i := range list {
			_ = enc.Encode(entryView(&list[i])) // a client that is gone needs no more
		}
		if gone := out.Flush() != nil; gone || limited || len(list) < q.Limit {
			return nil //nolint:nilerr // who is gone needs no more
		}
		q.Before = list[len(list)-1].ID
		list, err = p.cfg.Audit.Audit(r.Context(), q)
		if err != nil {
			p.log.Error("export of the audit log cut off", "request", r.ID, "err", err)
			panic(http.ErrAbortHandler) // a client must not take a part for the whole
		}
	}
}

func entryView(e *account.Entry) rest.AuditEntry {
	return rest.AuditEntry{
		ID: e.ID, At: rest.At(e.At), User: rest.Text(e.User), ServiceAccount: rest.Text(e.Service), Token: rest.Text(e.Token),
		Source: e.Source, Action: e.Action, Object: rest.Text(e.Object), Outcome: e.Outcome, RequestID: e.Request,
	}
}
