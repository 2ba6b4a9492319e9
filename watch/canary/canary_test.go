package canary

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// TestProve opens what real devices said; the excerpts are what stands in the
// recordings, line by line.
func TestProve(t *testing.T) {
	if err := Prove(); err != nil {
		t.Fatal(err)
	}
	for excerpt, whole := range map[string]string{
		"recorded/udp.jsonl": "os-6.2.0-udp-resume.jsonl", "recorded/tcp.jsonl": "os-2.3.1-tcp.jsonl", "recorded/server-rsa.der": "keys/server-rsa.priv.der",
	} {
		part, err := recorded.ReadFile(excerpt)
		if err != nil {
			t.Fatal(err)
		}
		all, err := os.ReadFile(filepath.Join("../../wire/testdata/device", whole))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(part) {
			if !bytes.Contains(all, line) {
				t.Errorf("%s has a line that is not in %s: %.60q", excerpt, whole, line)
			}
		}
	}
}

// TestProveNotices when one bit of the recordings, or of the wire's code, is
// another.
func TestProveNotices(t *testing.T) {
	for name, prove := range map[string]func([]said) error{"recorded/udp.jsonl": proveUDP, "recorded/tcp.jsonl": proveTCP} {
		for _, channel := range []string{"udp", "tcp", "coap"} {
			lines := load(t, name)
			last := -1
			for i, l := range lines {
				if l.Channel == channel && l.Dir == "device" {
					last = i
				}
			}
			if last < 0 {
				continue
			}
			if channel == "coap" {
				last = firstOf(lines, channel)
			}
			b := lines[last].Bytes
			b[len(b)-1] ^= 1
			if prove(lines) == nil {
				t.Errorf("%s: a message of %s is another, and nobody notices", name, channel)
			}
		}
		if prove(nil) == nil {
			t.Errorf("%s: nothing opens, and all is well", name)
		}
	}
}

func load(t *testing.T, name string) (lines []said) {
	t.Helper()
	lines, err := readSaid(name)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func firstOf(lines []said, channel string) int {
	for i, l := range lines {
		if l.Channel == channel && l.Dir == "device" {
			return i
		}
	}
	return -1
}

// TestNursery gives the same devices for the same secret, and others for
// another use, number or secret.
func TestNursery(t *testing.T) {
	dir := t.TempDir()
	ids := map[sim.ID]bool{}
	for range 2 {
		n, err := OpenNursery(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, use := range []string{"held", "cold-start"} {
			for _, transport := range []sim.Transport{sim.UDP, sim.TCP} {
				for i := range 2 {
					who, err := n.Device(use, transport, i)
					if err != nil {
						t.Fatal(err)
					}
					ids[who.ID] = true
				}
			}
		}
	}
	if len(ids) != 8 {
		t.Errorf("%d devices, want 8", len(ids))
	}
	if info, err := os.Stat(filepath.Join(dir, "secret")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenNursery(dir); err == nil {
		t.Error("a secret of five bytes")
	}
}

// TestRegister asks the cloud once, and again where it was refused.
func TestRegister(t *testing.T) {
	asked, status := 0, http.StatusServiceUnavailable
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			asked++
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"ok":true}`))
	}))
	defer s.Close()
	n, err := OpenNursery(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	who, err := n.Device("held", sim.UDP, 0)
	if err != nil {
		t.Fatal(err)
	}
	api := client.New(client.Config{URL: s.URL, Token: "x"})
	if err := n.Register(t.Context(), api, &who, "canary"); err == nil {
		t.Error("the cloud is down, and the device is registered")
	}
	status = http.StatusOK
	for range 3 {
		if err := n.Register(t.Context(), api, &who, "canary"); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 2 {
		t.Errorf("the cloud was asked %d times, want 2", asked)
	}
}

// TestControls: one that answers is enough, and whatever it says.
func TestControls(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	at := s.Listener.Addr().String()
	const nobody = "127.0.0.1:1"
	for name, c := range map[string]struct {
		controls Controls
		want     bool
	}{
		"none":              {nil, true},
		"a port":            {Controls{nobody, at}, true},
		"a page":            {Controls{nobody, s.URL}, true},
		"nobody":            {Controls{nobody, "http://" + nobody}, false},
		"what is no URL":    {Controls{"://"}, false},
		"what has no place": {Controls{"nowhere..invalid:80"}, false}, // no server is asked for such a name
	} {
		if got := c.controls.Reach(t.Context()); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	s.Close()
}

// TestCertificate tells how long a certificate will be good, and refuses one
// that is somebody else's.
func TestCertificate(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	cfg := Config{API: s.URL, HTTP: s.Client()}
	if r := Run(t.Context(), cfg, signal.Address); r.OK || r.Failed != signal.StepTLS || r.Reason != ReasonCertificate {
		t.Errorf("a certificate that nobody signed: %s %s: %s", r.Failed, r.Reason, r.Evidence)
	}
	cfg.Roots = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	r := Run(t.Context(), cfg, signal.Address)
	if !r.OK || !strings.Contains(r.Evidence, "days more") {
		t.Errorf("%s %s: %s", r.Failed, r.Reason, r.Evidence)
	}
	cfg.Public = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	if r := Run(t.Context(), cfg, signal.Address); r.Failed != signal.StepTLS && r.Failed != signal.StepConnect {
		t.Errorf("another's name: %s %s: %s", r.Failed, r.Reason, r.Evidence)
	}
}

// TestExplain finds the reason of an error, and a sentence for every one.
func TestExplain(t *testing.T) {
	for want, err := range map[string]error{
		ReasonTimeout:     context.DeadlineExceeded,
		ReasonWrong:       errors.New("strange"),
		ReasonHandshake:   &failure{ReasonHandshake, "the handshake failed"},
		ReasonCertificate: errors.Join(&failure{ReasonCertificate, "bad"}, errors.New("more")),
		ReasonStatus:      &client.Error{Status: http.StatusBadGateway},
	} {
		if reason, evidence := explain(signal.StepCall, err, deadline); reason != want || evidence == "" {
			t.Errorf("%v: %s, want %s; %q", err, reason, want, evidence)
		}
	}
}

// TestRunnerRefuses what cannot be watched.
func TestRunnerRefuses(t *testing.T) {
	if _, err := NewRunner(RunnerConfig{Nursery: t.TempDir()}); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
	r := Run(t.Context(), Config{}, "a tale")
	if r.OK || r.Reason != ReasonCanary || len(r.Readings()) != 0 {
		t.Errorf("%+v", r)
	}
}
