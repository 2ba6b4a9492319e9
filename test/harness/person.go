package harness

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// Person is somebody who is logged in to a cloud.
type Person struct {
	Username string
	Token    string
	cloud    *Cloud
}

// Login logs somebody in, who has to be known.
func (c *Cloud) Login(username, password string) *Person {
	c.t.Helper()
	resp, err := http.PostForm(c.at.URL+rest.PathLogin, url.Values{
		"grant_type": {"password"}, "username": {username}, "password": {password},
		"client_id": {"test"}, "client_secret": {"test"},
	})
	if err != nil {
		c.t.Fatal("logging in:", err)
	}
	defer resp.Body.Close()
	var answer rest.Token
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		c.t.Fatalf("logging in: status %d, %v", resp.StatusCode, err)
	}
	return &Person{username, answer.AccessToken, c}
}

// Do asks the HTTP API for something and gives the status and the body. form
// may be nil.
func (p *Person) Do(method, path string, form url.Values) (status int, body string) {
	p.cloud.t.Helper()
	if form == nil {
		return p.Send(method, path, "", "")
	}
	return p.Send(method, path, "application/x-www-form-urlencoded", form.Encode())
}

// Send is Do with any body.
func (p *Person) Send(method, path, contentType, in string) (status int, body string) {
	t := p.cloud.t
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.cloud.at.URL+path, strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(method, path, err)
	}
	return resp.StatusCode, string(b)
}

// Get asks for something that must be there and reads it into v.
func (p *Person) Get(path string, v any) {
	p.cloud.t.Helper()
	status, body := p.Do(http.MethodGet, path, nil)
	if status != http.StatusOK {
		p.cloud.t.Fatalf("GET %s: %d %s", path, status, body)
	}
	if err := json.Unmarshal([]byte(body), v); err != nil {
		p.cloud.t.Fatalf("GET %s: %v in %s", path, err, body)
	}
}

// Call calls a function that must answer.
func (p *Person) Call(device, function, argument string) int32 {
	p.cloud.t.Helper()
	status, body := p.Do(http.MethodPost, rest.PathFunction(device, function), url.Values{"arg": {argument}})
	var result rest.FunctionResult
	if err := json.Unmarshal([]byte(body), &result); err != nil || status != http.StatusOK {
		p.cloud.t.Fatalf("calling %s of %s: %d %s", function, device, status, body)
	}
	return result.ReturnValue
}

// Device looks at one of the person's devices.
func (p *Person) Device(device string) rest.Device {
	p.cloud.t.Helper()
	var d rest.Device
	p.Get(rest.PathDevice(device), &d)
	return d
}

// Attempts lists a device's tries to connect, the newest first.
func (p *Person) Attempts(device string) []rest.Attempt {
	p.cloud.t.Helper()
	var a rest.Attempts
	p.Get(rest.PathAttempts(device), &a)
	return a.Attempts
}

var tokenWords = regexp.MustCompile(`(?i)access.token`)

// Fails asks for something that must fail with the status. Whatever fails, the
// body is complete, and only a bad token is called one.
func (p *Person) Fails(status int, method, path string, form url.Values) rest.Error {
	t := p.cloud.t
	t.Helper()
	got, body := p.Do(method, path, form)
	var e rest.Error
	if err := json.Unmarshal([]byte(body), &e); err != nil || got != status {
		t.Fatalf("%s %s: %d %s, want status %d and an error", method, path, got, body, status)
	}
	if e.OK || e.Message == "" || e.Description == "" || e.Code == "" || e.RequestID == "" {
		t.Errorf("%s %s: the error is not complete: %s", method, path, body)
	}
	if status != http.StatusUnauthorized && tokenWords.MatchString(body) {
		t.Errorf("%s %s: %d and clients will take it for a bad token: %s", method, path, got, body)
	}
	return e
}

// Stream is an event stream, line by line.
type Stream struct {
	Header http.Header
	lines  chan string
	cloud  *Cloud
}

// Stream opens an event stream. It ends with the test.
func (p *Person) Stream(path string) *Stream {
	t := p.cloud.t
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.cloud.at.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(path, err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", path, resp.Status)
	}
	s := &Stream{resp.Header, make(chan string, 10_000), p.cloud}
	go func() { // ends when the test's context closes the body
		defer close(s.lines)
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			s.lines <- lines.Text()
		}
	}()
	return s
}

// Next gives the stream's next line.
func (s *Stream) Next() string {
	s.cloud.t.Helper()
	select {
	case line, ok := <-s.lines:
		if !ok {
			s.cloud.t.Fatal("the stream has ended")
		}
		return line
	case <-time.After(patience):
		s.cloud.t.Fatal("the stream is silent")
	}
	return ""
}

// Expect waits for a line that contains all of the words, and gives the lines
// up to it.
func (s *Stream) Expect(words ...string) []string {
	s.cloud.t.Helper()
	var seen []string
	for {
		line := s.Next()
		seen = append(seen, line)
		if containsAll(line, words) {
			return seen
		}
	}
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}
