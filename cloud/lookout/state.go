package lookout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// health is what a watchtower says of itself.
type health struct {
	OK       bool      `json:"ok"`
	Why      string    `json:"why"`
	JudgedAt time.Time `json:"judged_at"`
}

// What makes a look a miss.
var (
	errStranger = errors.New("what answers there is no watchtower")
	errOld      = errors.New("it answers what it answered before: it stands still, or something in between keeps its answers")
)

const maxAnswer = 4 << 10

// ask looks once.
func (l *Lookout) ask(ctx context.Context) (h health, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.cfg.URL+"/healthz", nil)
	if err != nil {
		return h, err
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return h, err
	}
	malformed := json.Unmarshal(body, &h)
	switch {
	case resp.StatusCode != http.StatusOK && h.Why != "":
		return h, fmt.Errorf("it says that it is not well: %.200s", h.Why)
	case resp.StatusCode != http.StatusOK:
		return h, fmt.Errorf("it answered %s: %.100s", resp.Status, strings.TrimSpace(string(body)))
	case malformed != nil || !h.OK || h.JudgedAt.IsZero():
		return h, errStranger
	}
	return h, nil
}

// verdict is whether the watchtower lives.
type verdict int

const (
	unknown verdict = iota // nobody has looked often enough
	alive
	dead
)

// state is what the looks have come to. It has no clock.
type state struct {
	misses int // in a row, that make it dead

	is     verdict
	missed int       // in a row
	first  time.Time // of these
	looked time.Time
	judged time.Time // as the watchtower said last
	why    string    // the last look failed; empty: it did not
}

// note takes a look in, and tells what is known then, and whether that is new.
func (s *state) note(now time.Time, h health, err error) (is verdict, changed bool) {
	s.looked = now
	if err == nil && !h.JudgedAt.After(s.judged) {
		err = errOld
	}
	if err == nil {
		s.judged, s.missed, s.first, s.why = h.JudgedAt, 0, time.Time{}, ""
		changed = s.is != alive
		s.is = alive
		return s.is, changed
	}
	if s.missed == 0 {
		s.first = now
	}
	s.missed++
	s.why = err.Error()
	if s.missed >= s.misses {
		changed = s.is != dead
		s.is = dead
	}
	return s.is, changed
}

func (s *state) deadSince() time.Time {
	if s.is != dead {
		return time.Time{}
	}
	return s.first
}
