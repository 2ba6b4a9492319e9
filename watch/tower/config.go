package tower

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/watch/canary"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// Config says what the watchtower watches, and who is told. The zero value of a
// field without another word means that there is no such thing.
type Config struct {
	// Data is the folder of everything that lasts. It is made, with mode 0700.
	Data string
	// Listen is where the page, /healthz and other vantages' reports are served.
	Listen string
	// Vantage is the name of this place. Empty: "local".
	Vantage string
	// Canaries is what is run here; its Note, Suspect and Slow are the tower's.
	Canaries canary.RunnerConfig
	// Reporters are the other vantages, with the keys that they sign with.
	Reporters map[string][]byte

	// ReportTo is the URL of the watchtower that this vantage reports to, with
	// ReportKey. With it nothing is judged here.
	ReportTo  string
	ReportKey []byte

	// Traffic is what the cloud counts, asked every TrafficEvery. Zero: 10 s.
	Traffic      Traffic
	TrafficEvery time.Duration
	// Outlets act on what is seen and judged.
	Outlets []Outlet
	// Drill acts on what is seen and judged of drills, which nobody else hears
	// of. Nil: nobody does.
	Drill Outlet
	// Trouble hears what is wrong with the canaries themselves, and when it is so
	// no more. It must not wait. Nil: nobody does.
	Trouble func(signal.Trouble)
	// Page answers what the tower does not.
	Page http.Handler

	// Heartbeat is a URL outside that is asked every HeartbeatEvery while the
	// watchtower is well; who waits there is alarmed when it is not asked any
	// more. Zero: 30 s.
	Heartbeat      string
	HeartbeatEvery time.Duration

	// KeepFor and KeepBytes bound what is written down of runs. Zero: 90 days
	// and 1 GiB.
	KeepFor   time.Duration
	KeepBytes int64

	Logger *slog.Logger // nil: nothing is logged
}

// Traffic gives what the cloud counted since it was asked last.
type Traffic interface {
	Traffic(ctx context.Context) (signal.Traffic, error)
}

// Outlet acts on what is seen. Its methods are called by one goroutine, one at
// a time, and must not wait for anything: whatever takes time belongs to a
// goroutine of the outlet's own.
type Outlet interface {
	// Noted is a run, as soon as it has ended.
	Noted(r *signal.Result)
	// Judged is called every second, with what has changed; mostly nothing.
	Judged(now time.Time, changed []signal.Judgement)
}

const (
	keepFor        = 90 * 24 * time.Hour
	keepBytes      = 1 << 30
	heartbeatEvery = 30 * time.Second
	trafficEvery   = 10 * time.Second
	judgeEvery     = time.Second
	asking         = 5 * time.Second // how long somebody outside may take to answer
)

func (c Config) withDefaults() Config {
	if c.Vantage == "" {
		c.Vantage = "local"
	}
	if c.KeepFor == 0 {
		c.KeepFor = keepFor
	}
	if c.KeepBytes == 0 {
		c.KeepBytes = keepBytes
	}
	if c.HeartbeatEvery == 0 {
		c.HeartbeatEvery = heartbeatEvery
	}
	if c.TrafficEvery == 0 {
		c.TrafficEvery = trafficEvery
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
