package journey

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

var transports = []sim.Transport{sim.UDP, sim.TCP}

// onEach runs a test for devices of both transports.
func onEach(t *testing.T, run func(t *testing.T, transport sim.Transport)) {
	t.Helper()
	for _, transport := range transports {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			run(t, transport)
		})
	}
}

// TestArguments sends an argument in every spelling that clients have: what
// the device gets is what was meant.
func TestArguments(t *testing.T) {
	t.Parallel()
	const form, jason = "application/x-www-form-urlencoded", "application/json"
	onEach(t, func(t *testing.T, transport sim.Transport) {
		c := harness.Start(t, app.Options{})
		heard := make(chan string, 1)
		cfg := sim.Config{Transport: transport, Application: sim.Application{Functions: []sim.Function{
			{Name: "setpitf", Call: func(_ *sim.App, argument string) int32 { heard <- argument; return 1 }},
		}}}
		d := c.Run(c.Provision(cfg), harness.Wiring{})
		c.Online(d.ID)
		for _, tc := range []struct{ contentType, body, want string }{
			{"", "", ""},
			{form, "arg=", ""},
			{form, "arg=1", "1"},
			{form, "args=1", "1"},
			{form, "params=1", "1"},
			{form, "arg=a%26b+c%C3%BC", "a&b cü"},
			{jason, `{}`, ""},
			{jason, `{"arg":""}`, ""},
			{jason, `{"arg":null}`, ""},
			{jason, `{"arg":"1"}`, "1"},
			{jason, `{"arg":1}`, "1"},
			{jason, `{"args":"on","format":"raw"}`, "on"},
			{form, `{"arg":"curl -d means JSON"}`, "curl -d means JSON"},
		} {
			status, body := c.Send(http.MethodPost, rest.PathFunction(d.ID, "setpitf"), tc.contentType, tc.body)
			if status != http.StatusOK {
				t.Fatalf("%s %q: %d %s", tc.contentType, tc.body, status, body)
			}
			if got := <-heard; got != tc.want {
				t.Errorf("%s %q reached the device as %q, want %q", tc.contentType, tc.body, got, tc.want)
			}
		}
	})
}

// TestOffline calls devices that are not there: the answer comes at once, in
// the words that clients know, and says since when and why.
func TestOffline(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, transport sim.Transport) {
		c := harness.Start(t, app.Options{CallTimeout: time.Minute})
		never := c.Provision(sim.Config{Transport: transport}).ID.String()
		d := c.Run(c.Provision(sim.Config{Transport: transport, Application: sim.Oven(0)}), harness.Wiring{})
		c.Online(d.ID)
		d.Tell(sim.Disconnect{Graceful: true})
		c.Until("the device is offline", func() bool { return !c.Device(d.ID).Online })

		for id, words := range map[string][]string{
			never: {"has never connected", "never seen", ""},
			d.ID:  {"has been offline since 20", "offline", "goodbye"},
		} {
			for _, ask := range []struct{ method, path string }{
				{http.MethodPost, rest.PathFunction(id, "setpitf")}, {http.MethodGet, rest.PathVariable(id, "pit")},
			} {
				asked := time.Now()
				e := c.Fails(http.StatusRequestTimeout, ask.method, ask.path, nil)
				if took := time.Since(asked); took >= c.Options.CallTimeout {
					t.Errorf("%s: the answer took %v, as long as if the device had been asked", ask.path, took)
				}
				if !strings.HasPrefix(e.Message, "Timed out.") || !strings.Contains(e.Message, words[0]) ||
					!strings.Contains(e.Description, words[0]) {
					t.Errorf("%s: %q, %q", ask.path, e.Message, e.Description)
				}
				if e.Code != rest.CodeNotConnected || e.Stage != "not_connected" || e.Device == nil {
					t.Fatalf("%s: %+v", ask.path, e)
				}
				if s := e.Device; s.Connected || s.State != words[1] || s.StateSince.IsZero() || string(s.Reason) != words[2] {
					t.Errorf("%s: the device is %+v", ask.path, s)
				}
			}
		}
	})
}

// TestRefusedAtOnce asks for what the device does not have or take: it is
// never bothered with that.
func TestRefusedAtOnce(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	for _, tc := range []struct {
		profile   string
		transport sim.Transport
		takes     int // bytes of an argument
	}{{"os-6.2", sim.UDP, 1024}, {"os-2.3", sim.UDP, 622}, {"os-2.3", sim.TCP, 622}, {"os-1.x", sim.TCP, 622}} {
		cfg := sim.Config{Profile: profile(t, tc.profile), Transport: tc.transport, Application: sim.Oven(0)}
		d := c.Run(c.Provision(cfg), harness.Wiring{})
		c.Online(d.ID)
		e := c.Fails(http.StatusNotFound, http.MethodPost, rest.PathFunction(d.ID, "flash"), nil)
		if e.Code != rest.CodeFunctionUnknown || !strings.HasPrefix(e.Message, "Function flash not found") {
			t.Errorf("%s: %+v", tc.profile, e)
		}
		e = c.Fails(http.StatusNotFound, http.MethodGet, rest.PathVariable(d.ID, "flash"), nil)
		if e.Code != rest.CodeVariableUnknown || e.Info != "Variable not found" {
			t.Errorf("%s: %+v", tc.profile, e)
		}
		long := strings.Repeat("x", tc.takes)
		e = c.Fails(http.StatusBadRequest, http.MethodPost, rest.PathFunction(d.ID, "echo"), url.Values{"arg": {long + "x"}})
		if e.Code != rest.CodeArgumentTooLong {
			t.Errorf("%s: %+v", tc.profile, e)
		}
		if d.Notes.Has("function") {
			t.Errorf("%s was bothered:\n%s", tc.profile, d.Notes)
		}
		if got := c.Call(d.ID, "echo", long); int(got) != tc.takes {
			t.Errorf("%s got %d bytes of %d", tc.profile, got, tc.takes)
		}
	}
}

// TestSilence calls devices that do not answer, in both ways of not
// answering: what the owner has to do next differs.
func TestSilence(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		behaviour   sim.Behaviour
		stage, code string
		blames      string
		answersPing bool
	}{
		"the application hangs": {
			sim.AckThenHang, "acked_no_response", rest.CodeAckedNoResponse, "its application did not answer", true,
		},
		"the way back is cut": {sim.Deaf, "sent_no_ack", rest.CodeSentNoAck, "its connection may be lost", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, transport sim.Transport) {
				c := harness.Start(t, app.Options{CallTimeout: 2 * time.Second})
				cfg := sim.Config{Transport: transport, Application: sim.Oven(0), Behaviour: tc.behaviour}
				d := c.Run(c.Provision(cfg), harness.Wiring{})
				c.Online(d.ID)
				for _, ask := range []struct{ method, path string }{
					{http.MethodPost, rest.PathFunction(d.ID, "setpitf")}, {http.MethodGet, rest.PathVariable(d.ID, "pit")},
				} {
					e := c.Fails(http.StatusRequestTimeout, ask.method, ask.path, nil)
					if !strings.HasPrefix(e.Message, "Timed out.") || !strings.Contains(e.Message, tc.blames) || e.Stage != tc.stage || e.Code != tc.code {
						t.Errorf("%s: %+v", ask.path, e)
					}
					if e.Cloud == nil || e.Cloud.Status != rest.CloudOK || e.Device == nil || !e.Device.Connected {
						t.Errorf("%s: the cloud is %+v, the device %+v", ask.path, e.Cloud, e.Device)
					}
				}
				if !tc.answersPing {
					return
				}
				if p := ping(t, c.Person, d.ID); !p.Online {
					t.Errorf("the device hears us, and a ping says %+v", p)
				}
			})
		})
	}
}

func ping(t *testing.T, p *harness.Person, id string) rest.Ping {
	t.Helper()
	status, body := p.Do(http.MethodPut, rest.PathPing(id), nil)
	var answer rest.Ping
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("ping: %d %s", status, body)
	}
	return answer
}

// TestBusyDevice calls a slow device several times at once: each call is
// answered, and other devices do not wait for it.
func TestBusyDevice(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, transport sim.Transport) {
		c := harness.Start(t, app.Options{CallTimeout: time.Minute})
		slow := c.Run(c.Provision(sim.Config{
			Transport: transport, Application: sim.Oven(0), Behaviour: sim.Slow, Delay: 12 * time.Second,
		}), harness.Wiring{})
		quick := c.Run(c.Provision(sim.Config{Transport: transport, Application: sim.Oven(0)}), harness.Wiring{})
		c.Online(slow.ID)
		c.Online(quick.ID)
		const calls = 3
		answers := make(chan string, calls)
		for range calls {
			go func() { // ends with its answer
				_, body := c.Do(http.MethodPost, rest.PathFunction(slow.ID, "setpitf"), url.Values{"arg": {"7"}})
				answers <- body
			}()
		}
		c.Until("the slow device has all calls", func() bool { return slow.Notes.Count(`function setpitf("7")`) == calls })
		if got := c.Call(quick.ID, "setpitf", "8"); got != 8 {
			t.Errorf("the quick device returned %d", got)
		}
		if len(answers) > 0 {
			t.Error("the slow device was not slow: this proves nothing")
		}
		for range calls {
			if body := <-answers; !strings.Contains(body, `"return_value":7`) {
				t.Errorf("the slow device's answer is %s", body)
			}
		}
	})
}

// TestStateIsOneTruth looks at a device by every way there is, while it comes
// and goes: list, detail, ping and call say the same of it.
func TestStateIsOneTruth(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, transport sim.Transport) {
		c := harness.Start(t, app.Options{CallTimeout: 5 * time.Second})
		d := c.Run(c.Provision(sim.Config{Transport: transport, Application: sim.Oven(0)}), harness.Wiring{})
		listed := func() rest.Device {
			var list []rest.Device
			c.Get(rest.PathDevices, &list)
			if len(list) != 1 {
				t.Fatalf("%d devices are listed, want 1", len(list))
			}
			return list[0]
		}
		compared := map[bool]int{}
		agree := func() {
			before := listed()
			detail, pinged := c.Device(d.ID), ping(t, c.Person, d.ID)
			status, body := c.Do(http.MethodPost, rest.PathFunction(d.ID, "setpitf"), url.Values{"arg": {"1"}})
			after := listed()
			if before.State != after.State || before.StateSince != after.StateSince {
				return // it changed while we looked
			}
			online := before.Online
			compared[online]++
			called := status == http.StatusOK && strings.Contains(body, `"connected":true`)
			if before.Connected != online || detail.Online != online || detail.Connected != online || pinged.Online != online ||
				called != online || detail.State != before.State || pinged.State != before.State || detail.Stale == online {
				t.Errorf("the list says %+v\nthe detail %+v\nthe ping %+v\nthe call %d %s", before, detail, pinged, status, body)
			}
		}
		for range 3 {
			c.Online(d.ID)
			agree()
			d.Tell(sim.Disconnect{Graceful: true})
			for c.Device(d.ID).Online {
				agree()
			}
			agree()
			offline := c.Device(d.ID)
			if len(offline.Functions) == 0 || offline.DescribedAt.IsZero() || !offline.Stale {
				t.Errorf("an offline device's description has no date: %+v", offline)
			}
			d.Tell(sim.Connect{})
		}
		if compared[true] < 3 || compared[false] < 3 {
			t.Errorf("compared %d times online and %d times offline, which proves little", compared[true], compared[false])
		}
	})
}

// TestNamesAndIDs finds a device by its id and by its name, in any case, on
// every path.
func TestNamesAndIDs(t *testing.T) {
	t.Parallel()
	c := harness.Start(t, app.Options{})
	d := c.Run(c.Provision(sim.Config{Application: sim.Oven(0)}), harness.Wiring{})
	c.Online(d.ID)
	c.Settled(d.ID, 1)
	name := func(device, name string) int {
		status, _ := c.Do(http.MethodPut, rest.PathDevice(device), url.Values{"name": {name}})
		return status
	}
	if got := name(d.ID, "Garden Oven"); got != http.StatusOK {
		t.Fatal("naming a device:", got)
	}
	for _, called := range []string{d.ID, strings.ToUpper(d.ID), "Garden Oven", "garden oven", "GARDEN OVEN"} {
		if got := c.Device(called); got.ID != d.ID || got.Name != "Garden Oven" {
			t.Errorf("%s is %+v", called, got)
		}
		if got := c.Call(called, "setpitf", "33"); got != 33 {
			t.Errorf("calling %s returned %d", called, got)
		}
		var v rest.Variable
		c.Get(rest.PathVariable(called, "pitf"), &v)
		if v.Result != 33.0 {
			t.Errorf("reading %s gives %+v", called, v)
		}
		if !ping(t, c.Person, called).Online {
			t.Errorf("%s does not answer", called)
		}
		if len(c.Attempts(called)) == 0 {
			t.Errorf("%s has never tried to connect", called)
		}
		c.Stream(rest.PathDeviceEvents(called, "")).Expect(`"device":"` + d.ID + `"`)
	}
	// A name never means two devices of one owner. To others it means nothing.
	other := c.Provision(sim.Config{}).ID.String()
	if got := name(other, "garden OVEN"); got != http.StatusConflict {
		t.Error("a second device of that name:", got)
	}
	c.Admit("eve@example.com").Fails(http.StatusForbidden, http.MethodGet, rest.PathDevice("Garden Oven"), nil)
}
