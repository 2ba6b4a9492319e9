package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench/crowd"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// person is somebody who is logged in: the administrator of a cloud under
// measurement.
type person struct {
	api   *url.URL
	token string
	http  *http.Client
}

// provisionTogether is how many devices are registered at once.
const provisionTogether = 8

// login logs the administrator in.
func login(ctx context.Context, s *Server) (*person, error) {
	api, err := url.Parse(s.API)
	if err != nil {
		return nil, err
	}
	p := &person{api: api, http: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: provisionTogether},
	}}
	form := url.Values{"grant_type": {"password"}, "username": {s.Username}, "password": {s.Password}}
	var token rest.Token
	err = p.post(ctx, rest.PathLogin, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), &token)
	p.token = token.AccessToken
	return p, err
}

func (p *person) post(ctx context.Context, path, kind string, body io.Reader, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.api.String()+path, body)
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
	return p.post(ctx, rest.PathProvision(id), "application/json", bytes.NewReader(body), new(rest.Provisioned))
}

// provisionAll registers the devices of the given indexes.
func (p *person) provisionAll(ctx context.Context, who *crowd.Identities, indexes []int, say Progress) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range provisionTogether {
		workers.Go(func() { // ends with next
			for i := range next {
				if err := p.provision(ctx, who.ID(i).String(), "ecc", &who.Key(i).PublicKey); err != nil {
					cancel(err)
				}
			}
		})
	}
	said := time.Now()
	for n, i := range indexes {
		select {
		case next <- i:
		case <-ctx.Done():
		}
		if time.Since(said) > 2*time.Second {
			said = time.Now()
			say("registering devices: %d of %d", n, len(indexes))
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

// line is one kept-alive connection to the HTTP API.
type line struct {
	conn net.Conn
	in   *bufio.Reader
}

func (p *person) dial(ctx context.Context) (*line, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", p.api.Host)
	if err != nil {
		return nil, err
	}
	return &line{conn: conn, in: bufio.NewReader(conn)}, nil
}

func (l *line) close() error { return l.conn.Close() }

// callTime bounds how long an answer may take: longer than the cloud waits for
// a device.
const callTime = 30 * time.Second

// errAnswer says that a call did not give what it should.
var errAnswer = errors.New("bench: a call was not answered as it should")

// callRequest is the request that calls the function of a device, as bytes.
func (p *person) callRequest(device, argument string) []byte {
	body := url.Values{"arg": {argument}}.Encode()
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		rest.PathFunction(device, crowd.FunctionName), p.api.Host, p.token, len(body), body)
}

// call sends a request and checks that the answer is the result.
func (l *line) call(request []byte, result int32) error {
	if err := l.conn.SetDeadline(time.Now().Add(callTime)); err != nil {
		return err
	}
	if _, err := l.conn.Write(request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	var r rest.FunctionResult
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s: %s", errAnswer, resp.Status, body)
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	if r.ReturnValue != result {
		return fmt.Errorf("%w: %d", errAnswer, r.ReturnValue)
	}
	return nil
}
