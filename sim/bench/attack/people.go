package attack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// person is somebody who is logged in.
type person struct {
	api, token string
	http       *http.Client
}

func newPerson(api, token string, lines int) *person {
	return &person{api, token, &http.Client{
		Timeout: callTime, Transport: &http.Transport{MaxIdleConnsPerHost: lines},
	}}
}

// callTime bounds how long an answer may take: longer than the cloud waits for
// a device.
const callTime = 30 * time.Second

// login logs the administrator in.
func (p *person) login(ctx context.Context, username, password string) error {
	form := url.Values{"grant_type": {"password"}, "username": {username}, "password": {password}}
	var token rest.Token
	err := p.post(ctx, rest.PathLogin, "application/x-www-form-urlencoded", form.Encode(), &token)
	p.token = token.AccessToken
	return err
}

func (p *person) post(ctx context.Context, path, kind, body string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.api+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", kind)
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := p.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s: %s: %s", path, resp.Status, text)
	}
	return json.Unmarshal(text, into)
}

// provision registers a device with its public key.
func (p *person) provision(ctx context.Context, id, algorithm string, key any) error {
	text, err := crowd.Public(key)
	if err != nil {
		return err
	}
	body, err := json.Marshal(rest.Provision{DeviceID: id, PublicKey: text, Algorithm: algorithm})
	if err != nil {
		return err
	}
	return p.post(ctx, rest.PathProvision(id), "application/json", string(body), new(rest.Provisioned))
}

// callArgument is what is sent with each call: the device answers its length.
const callArgument = "sixteen letters!"

// call calls a device's function and checks the result.
func (p *person) call(ctx context.Context, device string) error {
	var r rest.FunctionResult
	body := url.Values{"arg": {callArgument}}.Encode()
	err := p.post(ctx, rest.PathFunction(device, crowd.FunctionName), "application/x-www-form-urlencoded", body, &r)
	if err == nil && r.ReturnValue != int32(len(callArgument)) {
		err = fmt.Errorf("a call gave %d", r.ReturnValue)
	}
	return err
}

// counters reads the cloud's counters that tell of what it did not do.
func (p *person) counters(ctx context.Context) (map[string]float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.api+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := p.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return parseCounters(text), nil
}

// watched are the counters that an attack may raise, and the labels that tell
// them apart.
var watched = map[string][]string{
	"cyan_gateway_dropped_total":         {"reason"},
	"cyan_gateway_cookies_total":         nil,
	"cyan_gateway_attempts_total":        {"transport", "reason"},
	"cyan_api_errors_total":              {"code"},
	"cyan_api_connections_refused_total": {"reason"},
}

// parseCounters reads the text format of Prometheus as far as it is needed. The
// names are short ones, such as "dropped unopened".
func parseCounters(text []byte) map[string]float64 {
	out := map[string]float64{}
	for line := range bytes.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		name, labels, _ := strings.Cut(name, "{")
		keep, ok := watched[name]
		if !ok || strings.Contains(labels, `outcome="succeeded"`) {
			continue
		}
		short := []string{strings.TrimSuffix(name[strings.LastIndex(name[:len(name)-len("_total")], "_")+1:], "_total")}
		for _, label := range keep {
			if _, after, ok := strings.Cut(labels, label+`="`); ok {
				value, _, _ := strings.Cut(after, `"`)
				short = append(short, value)
			}
		}
		var v float64
		if _, err := fmt.Sscan(rest, &v); err == nil {
			out[strings.Join(short, " ")] += v
		}
	}
	return out
}
