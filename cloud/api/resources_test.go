package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Every good answer, byte for byte.
func TestGoldenAnswers(t *testing.T) {
	w := newWorld(t, nil)
	w.store.AddAttempt(device.Attempt{
		ID: "a1", Device: fridge, Transport: "udp", Source: "203.0.113.7:40000", Gateway: "local", Started: noon,
		Ended: noon.Add(3 * time.Second), Outcome: device.Failed, Reason: device.KeyStoreUnavailable, Detail: "The keys could not be read.",
		Stages: []device.Stage{{Name: device.StageSocket, At: noon}, {Name: device.StageKeyExchange, At: noon.Add(time.Second)}},
	})
	w.store.AddAttempt(device.Attempt{ID: "a2", Device: fridge, Started: noon.Add(time.Hour), Transport: "tcp", Outcome: device.Pending})
	if err := w.store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ method, path, body string }{
		"user":               {"GET", "/v1/user", ""},
		"token":              {"GET", "/v1/access_tokens/current", ""},
		"devices":            {"GET", "/v1/devices", ""},
		"device_online":      {"GET", "/v1/devices/" + oven.String(), ""},
		"device_offline":     {"GET", "/v1/devices/OLD%20FRIDGE", ""},
		"device_never_seen":  {"GET", "/v1/devices/" + strings.ToUpper(blank.String()), ""},
		"variable_string":    {"GET", "/v1/devices/oven/temps", ""},
		"variable_int":       {"GET", "/v1/devices/oven/count", ""},
		"variable_bool":      {"GET", "/v1/devices/oven/on", ""},
		"variable_double":    {"GET", "/v1/devices/oven/exact", ""},
		"function":           {"POST", "/v1/devices/oven/setpitf", `{"args":"275"}`},
		"ping_online":        {"PUT", "/v1/devices/oven/ping", "{}"},
		"ping_offline":       {"PUT", "/v1/devices/" + fridge.String() + "/ping", ""},
		"attempts":           {"GET", "/v1/devices/" + fridge.String() + "/attempts?limit=5", ""},
		"attempts_since":     {"GET", "/v1/devices/" + fridge.String() + "/attempts?since=2026-05-31T12:30:00Z", ""},
		"publish":            {"POST", "/v1/devices/events", `{"name":"lights","data":"on","private":true}`},
		"healthy":            {"GET", "/healthz", ""},
		"ready":              {"GET", "/readyz", ""},
		"logout_other_token": {"DELETE", "/v1/access_tokens/" + strings.Repeat("ab", 20), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do(c.method, c.path, c.body)
			if got.status != http.StatusOK {
				t.Errorf("status %d", got.status)
			}
			if kind := got.header.Get("Content-Type"); kind != "application/json; charset=utf-8" {
				t.Errorf("content type %q", kind)
			}
			got.golden(t, name)
		})
	}
}

// However an argument is sent, the same one arrives.
func TestFunctionArguments(t *testing.T) {
	w := newWorld(t, nil)
	const form, plain = "Content-Type: application/x-www-form-urlencoded", "Content-Type: text/plain"
	for name, c := range map[string]struct {
		body, header, want string
	}{
		"JSON args":             {`{"args":"1"}`, "", "1"},
		"JSON arg":              {`{"arg":"1"}`, "", "1"},
		"JSON number":           {`{"arg":1}`, "", "1"},
		"JSON object":           {`{"arg":{"a":1}}`, "", `{"a":1}`},
		"JSON null":             {`{"arg":null}`, "", ""},
		"JSON without":          {`{}`, "", ""},
		"form arg":              {"arg=1+2%263", "", "1 2&3"},
		"form args":             {"args=1", "", "1"},
		"form empty":            {"arg=", "", ""},
		"form without":          {"x=y", "", ""},
		"nothing":               {"", "", ""},
		"JSON said to be form":  {`{"arg":"1"}`, form, "1"},
		"JSON said to be text":  {`{"arg":"1"}`, plain, "1"},
		"form with a brace":     {"arg={", form, "{"},
		"token in the form":     {"arg=1&access_token=" + token, "Authorization: ", "1"},
		"other charset of JSON": {`{"arg":"1"}`, "Content-Type: application/json; charset=UTF-8", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if c.header != "" {
				headers = append(headers, c.header)
			}
			if got := w.do("POST", "/v1/devices/oven/setpitf", c.body, headers...); got.status != http.StatusOK {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			calls := w.gateway.Calls()
			want := bus.Call{Device: oven, Kind: bus.Function, Name: "setpitf", Argument: c.want, Timeout: 20 * time.Second, Request: "test"}
			if diff := cmp.Diff(want, calls[len(calls)-1]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRaw(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "/v1/devices/oven/temps?format=raw", "", "21 <°C>"},
		{"GET", "/v1/devices/oven/count?format=raw", "", "-7"},
		{"GET", "/v1/devices/oven/on?format=raw", "", "true"},
		{"GET", "/v1/devices/oven/exact?format=raw", "", "21.5"},
		{"POST", "/v1/devices/oven/setpitf", "arg=275&format=raw", "3"},
	} {
		got := w.do(c.method, c.path, c.body)
		if got.status != http.StatusOK || got.body != c.want || got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: status %d, %q of type %s", c.path, got.status, got.body, got.header.Get("Content-Type"))
		}
	}
}

// Wherever a device is named, its id and its name do, in any case.
func TestDevicesByNameAndID(t *testing.T) {
	w := newWorld(t, nil)
	for _, name := range []string{"Oven", "oven", "OVEN", oven.String(), strings.ToUpper(oven.String())} {
		for _, c := range [][2]string{
			{"GET", ""}, {"GET", "/temps"}, {"POST", "/reset"}, {"PUT", "/ping"}, {"GET", "/attempts"},
		} {
			if got := w.do(c[0], "/v1/devices/"+name+c[1], ""); got.status != http.StatusOK {
				t.Errorf("%s %s%s: status %d: %s", c[0], name, c[1], got.status, got.body)
			}
		}
	}
}

// list, get, ping and call agree on whether a device is connected.
func TestOneTruthAboutConnected(t *testing.T) {
	w := newWorld(t, nil)
	w.store.Seen(seenNow(oven)) // what the store says of it plays no part
	for _, online := range []bool{true, false, true} {
		if online {
			w.gateway.SetState(oven, device.State{Word: device.Online, Since: noon})
			w.bus.Holding(oven)
		} else {
			w.bus.Released(oven)
			w.gateway.SetState(oven, device.State{Word: device.Offline, Since: noon, Reason: device.KeepAliveMissed})
		}
		var list []rest.Device
		w.do("GET", "/v1/devices", "").into(t, &list)
		for _, d := range list {
			if d.ID == oven.String() && (d.Connected != online || d.Online != online || d.Stale == online) {
				t.Errorf("list: connected %v, online %v, stale %v; want %v", d.Connected, d.Online, d.Stale, online)
			}
		}
		var one rest.Device
		w.do("GET", "/v1/devices/oven", "").into(t, &one)
		var ping rest.Ping
		w.do("PUT", "/v1/devices/oven/ping", "").into(t, &ping)
		called := w.do("POST", "/v1/devices/oven/reset", "").status == http.StatusOK
		if one.Connected != online || one.Online != online || ping.Online != online || called != online {
			t.Errorf("want %v: get %v, ping %v, call %v", online, one.Connected, ping.Online, called)
		}
		if len(one.Functions) != 2 || one.DescribedAt.IsZero() {
			t.Errorf("functions %v as of %v", one.Functions, one.DescribedAt)
		}
	}
}

func TestRequestsCarryTheirID(t *testing.T) {
	w := newWorld(t, nil)
	if got := w.do("GET", "/healthz", ""); got.header.Get("X-Request-Id") != "test" {
		t.Errorf("the client's id became %q", got.header.Get("X-Request-Id"))
	}
	for _, bad := range []string{"X-Request-Id: ", "X-Request-Id: <script>", "X-Request-Id: " + strings.Repeat("x", 65)} {
		got := w.do("GET", "/healthz", "", bad)
		if id := got.header.Get("X-Request-Id"); len(id) != 16 {
			t.Errorf("%s became %q", bad, id)
		}
	}
}

func TestBrowsersMayAsk(t *testing.T) {
	w := newWorld(t, nil)
	got := w.do("OPTIONS", "/v1/devices/oven/reset", "", "Authorization: ", "Origin: https://example.com",
		"Access-Control-Request-Method: POST")
	if got.status != http.StatusNoContent || got.header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(got.header.Get("Access-Control-Allow-Headers"), "Authorization") ||
		!strings.Contains(got.header.Get("Access-Control-Allow-Methods"), "PUT") {
		t.Errorf("status %d, %v", got.status, got.header)
	}
	for _, path := range []string{"/v1/devices", "/nowhere"} {
		if got := w.do("GET", path, ""); got.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: no CORS", path)
		}
	}
}

func TestMetricsNameRoutesAndNotPaths(t *testing.T) {
	w := newWorld(t, nil)
	w.do("GET", "/v1/devices/oven/temps?access_token=secret", "")
	w.do("DELETE", "/v1/access_tokens/secret", "")
	got := w.do("GET", "/metrics", "", "Authorization: ")
	if !strings.Contains(got.body, `cyan_api_requests_total{route="GET /v1/devices/{device}/{word}",status="200"} 1`) {
		t.Errorf("the request is not counted in\n%s", got.body)
	}
	if strings.Contains(got.body, "secret") || strings.Contains(got.body, "temps") {
		t.Error("a path stands in the metrics")
	}
}

// A caller who hangs up takes the call back.
func TestHangingUpCancelsTheCall(t *testing.T) {
	w := newWorld(t, nil)
	entered, left := make(chan struct{}), make(chan struct{})
	w.gateway.Answer(func(ctx context.Context, _ bus.Call) (bus.Result, error) {
		close(entered)
		<-ctx.Done()
		close(left)
		return bus.Result{Stage: bus.SentNoAck}, ctx.Err()
	})
	ctx, hangUp := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/v1/devices/oven/reset", strings.NewReader("arg=1"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	failed := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
		}
		failed <- err
	}()
	<-entered
	hangUp()
	<-left
	if err := <-failed; err == nil {
		t.Error("there was an answer")
	}
}
