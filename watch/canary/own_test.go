package canary

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// TestOpinion: a token that is refused is the canaries' own matter if the cloud
// takes another, the spare one or that of somebody who logs in; not if it takes
// none, if there is no other, or if something else failed.
func TestOpinion(t *testing.T) {
	takes := ""
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if logsIn := strings.HasPrefix(r.URL.Path, "/oauth/"); logsIn && takes == "login" || token != "" && token == takes {
			_, _ = fmt.Fprintf(w, `{"access_token":%q,"username":"ada"}`, takes)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, `{"error":"invalid_token","code":%q}`, rest.CodeTokenInvalid)
	}))
	defer cloud.Close()
	for name, c := range map[string]struct {
		takes, spare, username, reason string
		story                          signal.Story
		own                            bool
	}{
		"another is taken":              {"spare", "spare", "", rest.CodeTokenInvalid, signal.Held, true},
		"it has expired":                {"spare", "spare", "", rest.CodeTokenExpired, signal.Held, true},
		"who logs in is let in":         {"login", "", "ada", rest.CodeTokenInvalid, signal.Held, true},
		"the spare one is refused, too": {"login", "spare", "ada", rest.CodeTokenInvalid, signal.Held, true},
		"no token is taken":             {"", "spare", "ada", rest.CodeTokenInvalid, signal.Held, false},
		"there is no other":             {"spare", "", "", rest.CodeTokenInvalid, signal.Held, false},
		"it fails otherwise":            {"spare", "spare", "", ReasonTimeout, signal.Held, false},
		"a login fails":                 {"spare", "spare", "", rest.CodeTokenInvalid, signal.Login, false},
	} {
		takes = c.takes
		cfg := Config{API: cloud.URL, Token: "ours", Spare: c.spare, Username: c.username, Password: "x"}
		o := opinion{cfg: cfg.withDefaults()}
		for range 2 { // the second answer is remembered
			if own := o.own(t.Context(), &signal.Result{Story: c.story, Reason: c.reason}); own != c.own {
				t.Errorf("%s: own is %v", name, own)
			}
		}
	}
}

// TestAgain: a device that did not come in is sent again after one other, from
// the same port, twice; one that failed otherwise, or was well, waits for its turn.
func TestAgain(t *testing.T) {
	story := &task{story: signal.ColdStart}
	for i := range 4 {
		story.pool = append(story.pool, candidate{Identity: Identity{ID: sim.ID{byte(i)}}})
	}
	turn := func(broken signal.StepName) string {
		cfg, who, ok := story.begin()
		if !ok || cfg.Device.ID != who.ID || cfg.Port != who.port {
			t.Fatalf("%v %+v", ok, who)
		}
		r := &signal.Result{Story: signal.ColdStart, Transport: "udp", OK: broken == "", Port: 4000 + int(who.ID[0])}
		if broken != "" {
			r.Steps = []signal.Step{{Name: broken}}
		}
		story.end(who, r)
		return fmt.Sprintf("%d:%d", who.ID[0], cfg.Port)
	}
	var got []string
	for _, broken := range []signal.StepName{
		signal.StepHandshake, "", signal.StepHandshake, "", signal.StepHandshake, signal.StepCall, "", "", signal.StepHandshake, "",
	} {
		got = append(got, turn(broken))
	}
	if want := "0:0 1:0 0:4000 2:0 0:4000 3:0 1:0 2:0 0:0 3:0"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", strings.Join(got, " "), want)
	}
}

// TestPort: a device comes from the port that it is to come from, and from any
// where that is taken.
func TestPort(t *testing.T) {
	there, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	p := new(pet)
	first, err := p.dial(t.Context(), "udp", there.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	again := &pet{want: p.port()}
	second, err := again.dial(t.Context(), "udp", there.LocalAddr().String())
	if err != nil || again.port() == 0 || again.port() == p.port() {
		t.Fatalf("from %d, which is taken: %d, %v", p.port(), again.port(), err)
	}
	_ = second.Close()
	_ = first.Close()
	for want, tries := p.port(), 0; tries < 20; tries++ { // somebody else may have it by now
		third := &pet{want: want}
		c, err := third.dial(t.Context(), "udp", there.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		if third.port() == want {
			return
		}
		want = third.port()
	}
	t.Error("nobody ever comes from where he is to come from")
}
