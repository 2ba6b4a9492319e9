package tower

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// PathReports is where other vantages send their results.
const PathReports = "/v1/reports"

// The headers of a report. The signature is the HMAC-SHA-256, in hex, of the
// vantage, the time and the body, with a line feed between them.
const (
	headerVantage   = "X-Cyan-Vantage"
	headerTime      = "X-Cyan-Time" // seconds since 1970
	headerSignature = "X-Cyan-Signature"
)

const (
	maxReport  = 4 << 20 // bytes
	maxWaiting = 4096    // results that wait to be sent; then the oldest go
	atOnce     = 200     // in a report
	skew       = 2 * time.Minute
	remembers  = 20 * time.Minute // which results were received: longer than a report is good for
)

// Report is what a vantage sends.
type Report struct {
	Results []signal.Result `json:"results"`
}

func sign(key []byte, vantage, at string, body []byte) string {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s\n%s\n", vantage, at)
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// post sends results to another watchtower.
type post struct {
	url, vantage string
	key          []byte
	client       *http.Client
	log          func(msg string, args ...any)
	kick         chan struct{}

	mu      sync.Mutex // guards what follows
	waiting []signal.Result
}

func newPost(cfg Config) *post {
	return &post{
		url: strings.TrimRight(cfg.ReportTo, "/") + PathReports, vantage: cfg.Vantage, key: cfg.ReportKey,
		client: &http.Client{Timeout: asking}, log: cfg.Logger.Warn, kick: make(chan struct{}, 1),
	}
}

func (p *post) add(r *signal.Result) {
	p.mu.Lock()
	p.waiting = append(p.waiting, *r)
	if over := len(p.waiting) - maxWaiting; over > 0 {
		p.waiting = p.waiting[over:]
	}
	p.mu.Unlock()
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// run sends what waits, again and again until it is taken. Results have ids, so
// one that comes twice counts once.
func (p *post) run(ctx context.Context) {
	retry := time.NewTicker(judgeEvery)
	defer retry.Stop()
	for {
		select {
		case <-p.kick:
		case <-retry.C:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		batch := append([]signal.Result(nil), p.waiting[:min(atOnce, len(p.waiting))]...)
		p.mu.Unlock()
		if len(batch) == 0 {
			continue
		}
		if err := p.send(ctx, batch); err != nil {
			p.log("a report was not taken", "url", p.url, "err", err)
			continue
		}
		p.mu.Lock()
		// Where the oldest went meanwhile, some of the batch went with them.
		for len(batch) > 0 && len(p.waiting) > 0 {
			if p.waiting[0].ID == batch[0].ID {
				p.waiting = p.waiting[1:]
			}
			batch = batch[1:]
		}
		p.mu.Unlock()
	}
}

func (p *post) send(ctx context.Context, batch []signal.Result) error {
	body, err := json.Marshal(Report{batch})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(headerVantage, p.vantage)
	req.Header.Set(headerTime, at)
	req.Header.Set(headerSignature, sign(p.key, p.vantage, at, body))
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(said))
	}
	return nil
}

// receive takes a report of another vantage.
func (t *Tower) receive(w http.ResponseWriter, r *http.Request) {
	vantage, at := r.Header.Get(headerVantage), r.Header.Get(headerTime)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReport))
	if err != nil {
		http.Error(w, "a report is at most 4 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	key, known := t.cfg.Reporters[vantage]
	if !known || !hmac.Equal([]byte(sign(key, vantage, at, body)), []byte(r.Header.Get(headerSignature))) {
		http.Error(w, "no such vantage, or not signed with its key", http.StatusUnauthorized)
		return
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if off := time.Since(time.Unix(seconds, 0)).Abs(); err != nil || off > skew {
		http.Error(w, "the clocks differ too much: "+off.Round(time.Second).String(), http.StatusUnauthorized)
		return
	}
	var report Report
	if err := json.Unmarshal(body, &report); err != nil {
		http.Error(w, "not a report: "+err.Error(), http.StatusBadRequest)
		return
	}
	for _, result := range report.Results {
		if !t.seen.first(vantage+" "+result.ID, time.Now()) {
			continue
		}
		result.Vantage = vantage
		select {
		case t.inbox <- result:
		case <-t.ended:
			http.Error(w, "the watchtower is being stopped", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// seen remembers which results have come.
type seen struct {
	mu  sync.Mutex // guards what follows
	ids map[string]time.Time
}

func newSeen() *seen { return &seen{ids: map[string]time.Time{}} }

// first tells whether an id is new.
func (s *seen) first(id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.ids[id]; again {
		return false
	}
	if len(s.ids) >= maxWaiting {
		for old, at := range s.ids {
			if now.Sub(at) > remembers {
				delete(s.ids, old)
			}
		}
	}
	s.ids[id] = now
	return true
}
