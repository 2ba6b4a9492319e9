// Package client is the Go SDK of the HTTP API: one method for each thing
// that the API does, shapes of wire/rest, errors that carry the API's own.
//
//	c := client.New(client.Config{URL: "http://localhost:8080", Token: token})
//	result, err := c.Call(ctx, "oven", "setpitf", "275")
//	if e, ok := errors.AsType[*client.Error](err); ok && e.Body.Code == rest.CodeNotConnected {
//		fmt.Println("it is off:", e)
//	}
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says which cloud to speak to, and as whom.
type Config struct {
	URL       string       // of the API, such as http://localhost:8080
	Token     string       // an access token; empty: only Login works
	UserAgent string       // empty: cyan-client
	HTTP      *http.Client // nil: one of its own. It must have no Timeout, which would end streams
}

// Client speaks to one cloud. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client

	user, password string // for the one route that wants them; mostly empty
}

// New makes a client. It connects to nothing yet.
func New(cfg Config) *Client {
	cfg.URL = strings.TrimRight(cfg.URL, "/")
	if cfg.UserAgent == "" {
		cfg.UserAgent = "cyan-client"
	}
	c := &Client{cfg: cfg, http: cfg.HTTP}
	if c.http == nil {
		c.http = &http.Client{Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			// The longest answer is that of a device that does not answer.
			ResponseHeaderTimeout: 90 * time.Second,
			MaxIdleConnsPerHost:   16,
			IdleConnTimeout:       90 * time.Second,
			ForceAttemptHTTP2:     true,
		}}
	}
	return c
}

// maxAnswer bounds what is read of an answer, in bytes: a list of 10,000
// devices fits.
const maxAnswer = 32 << 20

// get reads the JSON at the path into v.
func (c *Client) get(ctx context.Context, path string, v any) error {
	return c.do(ctx, http.MethodGet, path, nil, v)
}

// do sends a request, with body as JSON if it is not nil, and reads the
// answer into v if that is not nil.
func (c *Client) do(ctx context.Context, method, path string, body, v any) error {
	var in io.Reader
	kind := ""
	switch body := body.(type) {
	case nil:
	case url.Values:
		in, kind = strings.NewReader(body.Encode()), "application/x-www-form-urlencoded"
	default:
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("client: %w", err)
		}
		in, kind = bytes.NewReader(b), "application/json"
	}
	res, err := c.send(ctx, method, path, in, kind)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return readError(res)
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the answer of %s: %w", c.cfg.URL, err)
	case len(answer) > maxAnswer:
		return fmt.Errorf("the answer of %s is longer than %d bytes", c.cfg.URL, maxAnswer)
	case v == nil:
		return nil
	}
	if err := json.Unmarshal(answer, v); err != nil {
		return fmt.Errorf("the answer of %s to %s %s is not what a cyan cloud says: %w", c.cfg.URL, method, path, err)
	}
	return nil
}

// send sends a request and gives the answer, whatever its status.
func (c *Client) send(ctx context.Context, method, path string, body io.Reader, kind string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.URL+path, body)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	req.Header.Set("Accept", "application/json")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if c.user != "" {
		req.SetBasicAuth(c.user, c.password)
	}
	if c.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	}
	return c.http.Do(req)
}
