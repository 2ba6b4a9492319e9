package outage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/api/outage"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

var noon = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)

// facts is a database that knows every device as one product's.
type facts struct{ asked *int }

func (f facts) DevicesByID(_ context.Context, ids []device.ID) (list []device.Device, err error) {
	*f.asked++
	for _, id := range ids {
		list = append(list, device.Device{ID: id, ProductID: 13, Firmware: 7, Owner: "alice"})
	}
	return list, nil
}

func (facts) CountSessions(context.Context) (int, error) { return 5, nil }

type gauges struct{}

func (gauges) Count() (connected, limbo int) { return 4, 1 }
func (gauges) Routed() int                   { return 4 }

// ask gives what a desk answers at a time.
func ask(t *testing.T, c *outage.Counts, asked *int, now time.Time) (s rest.Signals) {
	t.Helper()
	signals := &outage.Signals{Counts: c, Gauges: gauges{}, Facts: facts{asked}, Node: "n1", Now: func() time.Time { return now }}
	for range 2 { // the second costs nothing
		w := httptest.NewRecorder()
		if err := signals.Serve(w, request(t)); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != http.StatusOK {
			t.Fatal(err, w.Code)
		}
	}
	return s
}

func try(n int, o device.Outcome, reason device.Reason) *device.Attempt {
	return &device.Attempt{
		Device: device.ID{11: byte(n), 10: byte(n >> 8)}, Transport: "tcp", Gateway: "n1", Source: fmt.Sprintf("203.0.%d.7:4000", n%200), Outcome: o, Reason: reason,
	}
}

// Devices are counted and not tries, a failure counts that is the cloud's, and
// a minute is told when it is over.
func TestDevicesAreCounted(t *testing.T) {
	c := outage.NewCounts(noon)
	asked := 0
	if s := ask(t, c, &asked, noon.Add(time.Second)); !s.Until.IsZero() || len(s.Attempts) != 0 || s.Sessions.Limbo != 1 {
		t.Errorf("in the first minute: %+v", s)
	}
	at := noon.Add(10 * time.Second)
	for range 9 {
		c.Attempt(try(1, device.Failed, device.KeyStoreUnavailable), at)
	}
	c.Attempt(try(2, device.Failed, device.Overloaded), at)
	c.Attempt(try(2, device.Succeeded, device.ReasonNone), at) // it came through in the end
	c.Attempt(try(3, device.Failed, device.KeyMismatch), at)   // its own fault
	c.Attempt(try(4, device.Pending, device.ReasonNone), at)   // nobody knows
	c.Attempt(try(5, device.Failed, device.SessionLost), at)   // ours
	c.Answered("POST /oauth/token", 503, rest.CodeStoreUnavailable, at)
	c.Answered("POST /oauth/token", 401, rest.CodeCredentials, at)
	c.Answered("POST /v1/devices/{device}/{function}", 408, rest.CodeNotConnected, at)
	c.Answered("GET /v1/devices", 500, "internal", at)
	c.Answered("GET /v1/products", 503, rest.CodeNotImplemented, at)
	c.Answered("GET /healthz", 200, "", at)

	got := ask(t, c, &asked, noon.Add(61*time.Second))
	slice := func(network string, ok, failed int) rest.AttemptSlice {
		return rest.AttemptSlice{
			Gateway: "n1", Transport: "tcp", Product: "13", Firmware: "7", Network: network, Account: "alice",
			SignalTally: rest.SignalTally{OK: ok, Failed: failed},
		}
	}
	five := 5
	want := rest.Signals{
		From: rest.At(noon), Until: rest.At(noon.Add(time.Minute)), Node: "n1", Lost: 1, Restarts: 1,
		Sessions: rest.SessionCount{Connected: 4, Limbo: 1, Routed: 4, Stored: &five},
		Attempts: []rest.AttemptSlice{slice("203.0.0.0/16", 1, 2)},
		Calls:    rest.SignalTally{OK: 1}, API: rest.SignalTally{OK: 1, Failed: 1}, Logins: rest.SignalTally{OK: 1, Failed: 1},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if asked != 1 {
		t.Errorf("the database was asked %d times for a minute", asked)
	}
	if s := ask(t, c, &asked, noon.Add(5*time.Minute)); len(s.Attempts) != 0 || s.Restarts != 0 || !s.Until.Equal(noon.Add(5*time.Minute)) {
		t.Errorf("after a while in which nothing happened: %+v", s)
	}
}

// However many networks there are, the answer stays small, says what it leaves
// out and loses no device.
func TestSlicesAreBounded(t *testing.T) {
	c := outage.NewCounts(noon)
	const devices = 3000
	for i := range devices {
		a := try(i+1, device.Failed, device.Overloaded)
		a.Source = fmt.Sprintf("10.%d.0.1:1", i%250)
		if i%2 == 0 {
			a.Source = fmt.Sprintf("[2001:%x::1]:1", i)
		}
		c.Attempt(a, noon)
	}
	asked, failed := 0, 0
	s := ask(t, c, &asked, noon.Add(time.Minute))
	for _, a := range s.Attempts {
		failed += a.Failed
	}
	if d := cmp.Diff([]string{"account", "network"}, s.Coarse); d != "" || failed != devices || len(s.Attempts) != 1 {
		t.Errorf("%d slices of %d devices: %s", len(s.Attempts), failed, d)
	}
}
