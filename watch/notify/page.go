package notify

import (
	"context"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/notify/pagerhook"
)

// Where Handler stands in the watchtower's HTTP server.
const (
	AckPath     = "/oncall/ack"       // GET: a page with a button, POST: acknowledge
	CommandPath = "/oncall/command"   // POST: commands of the owner of the secret
	HookPath    = "/oncall/pagerduty" // POST: what PagerDuty says of our pages
)

// Handler serves what stands below /oncall/: the page that acknowledges, and
// the commands of `cyan oncall`. Looking at the page does nothing: mail
// scanners and previews open every link.
func (p *Pipeline) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+AckPath, p.showAck)
	mux.HandleFunc("POST "+AckPath, p.takeAck)
	mux.HandleFunc("POST "+CommandPath, p.command)
	mux.HandleFunc("POST "+HookPath, p.hear)
	return mux
}

// ackPage is what the page shows. Everything in it is escaped by the template.
type ackPage struct {
	Title, Words string
	Alert        *AlertStatus
	Token        string // with a button; empty: without
}

var ackTemplate = template.Must(template.New("ack").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex"><title>{{.Title}}</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
button{font:inherit;padding:.8rem 1.6rem;border:0;border-radius:.4rem;background:#b00020;color:#fff;width:100%}
input{font:inherit;padding:.5rem;width:100%;box-sizing:border-box;margin:.3rem 0 1rem}small{color:#555}
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}small{color:#aaa}}</style></head>
<body><h1>{{.Title}}</h1>{{with .Alert}}<p>{{.Summary}}</p><p><small>{{.Severity}}, since {{.Opened.UTC.Format "2006-01-02 15:04:05 UTC"}}, {{.Key}}</small></p>{{end}}
<p>{{.Words}}</p>{{if .Token}}<form method="post"><input type="hidden" name="t" value="{{.Token}}">
<label>Your name <input name="by" maxlength="80" autocomplete="name"></label><button>I have it</button></form>{{end}}</body></html>
`))

func (p *Pipeline) showAck(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("t")
	pass, err := unseal(p.config.Secret, token, time.Now())
	if err != nil || pass.Key == "" {
		refusePage(w, err)
		return
	}
	a, open := p.find(pass.Key)
	switch {
	case !open:
		show(w, http.StatusOK, ackPage{Title: "It is over", Alert: a, Words: "There is nothing to do any more."})
	case a.Acked != nil:
		show(w, http.StatusOK, ackPage{Title: "Somebody has it", Alert: a, Words: haveIt(a.Acked)})
	default:
		show(w, http.StatusOK, ackPage{Title: "An alert is open", Alert: a, Words: "Whoever presses the button looks after it, and nobody else is called.", Token: token})
	}
}

func (p *Pipeline) takeAck(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	pass, err := unseal(p.config.Secret, r.PostFormValue("t"), time.Now())
	if err != nil || pass.Key == "" {
		refusePage(w, err)
		return
	}
	by := cut(oneLine(r.PostFormValue("by")), 80)
	if by == "" {
		by = "whoever reads " + pass.To
	}
	if err := p.Acknowledge(pass.Key, by); err != nil && !errors.Is(err, ErrNoAlert) {
		show(w, http.StatusInternalServerError, ackPage{Title: "That did not work", Words: err.Error()})
		return
	}
	a, open := p.find(pass.Key)
	if !open || a.Acked == nil {
		show(w, http.StatusOK, ackPage{Title: "It is over", Alert: a, Words: "There is nothing to do any more."})
		return
	}
	show(w, http.StatusOK, ackPage{Title: "Noted", Alert: a, Words: haveIt(a.Acked)})
}

func haveIt(a *Ack) string {
	return a.By + " has it since " + a.At.UTC().Format("2006-01-02 15:04:05 UTC") + "."
}

// find gives an alert, and whether it is open.
func (p *Pipeline) find(key string) (*AlertStatus, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.ledger.byKey[key]
	if a == nil {
		return nil, false
	}
	s := a.status()
	return &s, a.resolved.IsZero()
}

func refusePage(w http.ResponseWriter, err error) {
	page := ackPage{Title: "This link does not work", Words: "It is not whole, or was not made by this watchtower."}
	if errors.Is(err, ErrExpired) {
		page.Words = "It is more than four hours old. A newer message has another; on the watchtower's machine, cyan oncall ack does the same."
	}
	show(w, http.StatusForbidden, page)
}

func show(w http.ResponseWriter, code int, page ackPage) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address is the permission
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	w.WriteHeader(code)
	ackTemplate.Execute(w, page) //nolint:errcheck // the reader went away
}

// skewed is how far PagerDuty's clock and this one may be apart.
const skewed = 5 * time.Minute

// hear takes an acknowledgement that a person made in PagerDuty. What is of no
// alert here, or of an earlier time of it, changes nothing: PagerDuty repeats
// what it could not say for two days.
func (p *Pipeline) hear(w http.ResponseWriter, r *http.Request) {
	if len(p.hooks) == 0 {
		http.Error(w, "no pagerduty outlet has webhook_secrets", http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, pagerhook.Most))
	if err != nil {
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		return
	}
	e, err := pagerhook.Read(p.hooks, r.Header.Get(pagerhook.Signature), body)
	switch {
	case errors.Is(err, pagerhook.ErrSignature):
		p.log.Warn("a webhook that is not PagerDuty's", "from", r.RemoteAddr)
		http.Error(w, "bad signature", http.StatusUnauthorized)
		return
	case err != nil:
		http.Error(w, "no event", http.StatusBadRequest)
		return
	}
	if a, open := p.find(e.Key); e.Acknowledges() && open && !e.At.Before(a.Opened.Add(-skewed)) {
		err = p.Acknowledge(e.Key, e.Who+" (PagerDuty)")
	}
	if err != nil && !errors.Is(err, ErrNoAlert) { // it is over by now
		http.Error(w, "it could not be noted", http.StatusInternalServerError) // and is said again
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// order is a command of `cyan oncall`.
type order struct {
	Do  string `json:"do"` // status, test, ack, or one of Config.Orders
	Key string `json:"key,omitempty"`
	By  string `json:"by,omitempty"`
}

// answer is what became of it.
type answer struct {
	Status *Status      `json:"status,omitempty"`
	Tests  []TestResult `json:"tests,omitempty"`
	Said   any          `json:"said,omitempty"` // of one of Config.Orders
	Error  string       `json:"error,omitempty"`
	Code   int          `json:"-"`
}

// testWait is how long a test waits for slow outlets.
const testWait = 25 * time.Second

// command does what whoever holds the secret orders. It depends on nothing of
// the cloud: no login, no token of its accounts.
func (p *Pipeline) command(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	pass, err := unseal(p.config.Secret, token, time.Now())
	var o order
	var a answer
	if err != nil || pass.Do != "command" {
		a = answer{Error: "this needs the secret of the watchtower's data folder", Code: http.StatusUnauthorized}
	} else if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8<<10)).Decode(&o); err != nil {
		a = answer{Error: "the order is no JSON", Code: http.StatusBadRequest}
	} else {
		a = p.obey(r.Context(), o)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(max(a.Code, http.StatusOK))
	json.NewEncoder(w).Encode(a) //nolint:errcheck // the reader went away
}

func (p *Pipeline) obey(ctx context.Context, o order) answer {
	switch o.Do {
	case "status":
	case "test":
		timed, cancel := context.WithTimeout(ctx, testWait)
		defer cancel()
		tests, err := p.Test(timed, o.By)
		if err != nil {
			return answer{Error: err.Error(), Code: http.StatusInternalServerError}
		}
		return answer{Tests: tests}
	case "ack":
		if err := p.Acknowledge(o.Key, cut(oneLine(o.By), 80)); errors.Is(err, ErrNoAlert) {
			return answer{Error: "there is no open alert " + o.Key, Code: http.StatusNotFound}
		} else if err != nil {
			return answer{Error: err.Error(), Code: http.StatusInternalServerError}
		}
	default:
		do := p.config.Orders[o.Do]
		if do == nil {
			return answer{Error: "there is no order " + strconv.Quote(o.Do), Code: http.StatusBadRequest}
		}
		said, err := do()
		if err != nil {
			return answer{Error: err.Error(), Code: http.StatusInternalServerError}
		}
		return answer{Said: said}
	}
	s := p.Status()
	return answer{Status: &s}
}
