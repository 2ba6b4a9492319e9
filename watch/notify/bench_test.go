package notify_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"flag"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
)

var update = flag.Bool("update", false, "rewrite golden files")

const (
	routingKey = "0123456789abcdef0123456789abcdef"
	whsec      = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// settings are two stages, and an archive that hears everything.
const settings = `
notify:
  url: https://status.example.com
  stages:
    - [pager]
    - [team]
  inform: [archive]
  outlets:
    pager: {type: pagerduty, routing_key: ` + routingKey + `}
    team: {type: webhook, url: "https://team.example.com/hook", secrets: [` + whsec + `]}
    archive: {type: webhook, url: "https://archive.example.com/hook", secrets: [` + whsec + `]}
`

// bench is a pipeline among stand-ins, on fake time.
type bench struct {
	*notify.Pipeline
	t             *testing.T
	pager         notifytest.Pager
	team, archive notifytest.Hook
	beat, beat2   notifytest.Hook
	journal       notifytest.Memory
	config        notify.Config
	stop          func()
}

// newBench opens a pipeline with the settings in text, and runs it. It must be
// called in a bubble.
func newBench(t *testing.T, text string) *bench {
	t.Helper()
	b := &bench{t: t}
	secret, err := base64.StdEncoding.DecodeString(whsec[len("whsec_"):])
	if err != nil {
		t.Fatal(err)
	}
	b.pager.Key, b.team.Secret, b.archive.Secret = routingKey, secret, secret
	parsed, err := notify.ParseSettings([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	b.config = notify.Config{Settings: parsed, Secret: []byte("a secret of thirty-two characters"), Transport: notifytest.Hosts{
		"events.pagerduty.com": &b.pager, "team.example.com": &b.team, "archive.example.com": &b.archive,
		"hc.example.com": &b.beat, "hc2.example.com": &b.beat2,
	}}
	b.start()
	return b
}

// start opens the pipeline, as after a restart.
func (b *bench) start() {
	b.t.Helper()
	p, err := notify.Open(b.config, &b.journal)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Pipeline = p
	b.run()
}

// run runs the pipeline until stop.
func (b *bench) run() {
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.Run(ctx) }() // ends with stop
	b.stop = func() { cancel(); <-done }
}

// wait lets time pass.
func (b *bench) wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (b *bench) notify(n notify.Notice) {
	b.t.Helper()
	if err := b.Notify(n); err != nil {
		b.t.Fatalf("%s: %v", n.ID, err)
	}
	synctest.Wait()
}

// outage is a page as the incident's book would write it.
func outage(id string, kind notify.Kind) notify.Notice {
	return notify.Notice{
		ID: id, Key: "wt:inc:2026-11-22T13:02Z:connect:gw-eu-1", Kind: kind, Severity: notify.Critical,
		Summary:   "New connections (TCP) fail: 97 of 100 since 13:02 UTC",
		Details:   []notify.Detail{{Name: "what works", Value: "Function calls, Events"}, {Name: "culprit", Value: "TCP on gateway-2"}},
		Links:     []notify.Link{{Text: "Live canaries", URL: "https://status.example.com/i/7f3a"}},
		Component: "new-connections-tcp", Group: "gw-eu-1", Class: "timeout",
	}
}

// golden compares a text with a file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// ed25519Secret is a key pair for webhooks, as people write the private one.
func ed25519Secret() (string, ed25519.PublicKey) {
	key := ed25519.NewKeyFromSeed([]byte("thirty-two bytes of a known seed"))
	return "whsk_" + base64.StdEncoding.EncodeToString(key), key.Public().(ed25519.PublicKey)
}
