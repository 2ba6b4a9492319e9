package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// SecretFile is the name of the secret in the watchtower's data folder.
const SecretFile = "oncall.key"

// Remote commands a running pipeline over HTTP, by the right of being able to
// read the watchtower's data folder.
type Remote struct {
	url    string
	secret []byte
	client *http.Client
}

// ErrNoSecret is that a folder is not a watchtower's, or somebody else's.
var ErrNoSecret = errors.New("notify: the watchtower's secret cannot be read")

// OpenRemote gives the pipeline of the watchtower at an address, whose data
// folder is data. It makes no secret: only the watchtower does.
func OpenRemote(url, data string) (*Remote, error) {
	path := filepath.Join(data, SecretFile)
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSecret, err)
	}
	key, err := LoadSecret(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSecret, err)
	}
	return &Remote{url: strings.TrimSuffix(url, "/"), secret: key, client: &http.Client{CheckRedirect: stay}}, nil
}

// Status is how well people can be reached.
func (r *Remote) Status(ctx context.Context) (Status, error) {
	a, err := r.order(ctx, order{Do: "status"})
	if err != nil || a.Status == nil {
		return Status{}, err
	}
	return *a.Status, nil
}

// Test sends a test page to every outlet, and gives what each said.
func (r *Remote) Test(ctx context.Context, by string) ([]TestResult, error) {
	a, err := r.order(ctx, order{Do: "test", By: by})
	return a.Tests, err
}

// Acknowledge says that a person has an alert.
func (r *Remote) Acknowledge(ctx context.Context, key, by string) error {
	_, err := r.order(ctx, order{Do: "ack", Key: key, By: by})
	return err
}

// Ask asks for what else a watchtower tells, by its name.
func (r *Remote) Ask(ctx context.Context, what string, into any) error {
	a, err := r.order(ctx, order{Do: what})
	if err != nil {
		return err
	}
	text, err := json.Marshal(a.Said)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

// RemoteError is a watchtower's no.
type RemoteError struct {
	Status int // of HTTP
	Words  string
}

func (e *RemoteError) Error() string { return e.Words }

func (r *Remote) order(ctx context.Context, o order) (answer, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+CommandPath, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+seal(r.secret, pass{Do: "command", Till: time.Now().Add(commandLasts).Unix()}))
	resp, err := r.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	var a answer
	err = json.NewDecoder(io.LimitReader(resp.Body, 16<<20)).Decode(&a)
	switch {
	case resp.StatusCode != http.StatusOK && a.Error != "":
		return answer{}, &RemoteError{resp.StatusCode, a.Error}
	case resp.StatusCode != http.StatusOK || err != nil:
		return answer{}, &RemoteError{resp.StatusCode, fmt.Sprintf("no watchtower answers at %s: %s", r.url, resp.Status)}
	}
	return a, nil
}
