package api

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/stream"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// myEvents answers GET /v1/devices/events[/{prefix…}]: the events of all the
// caller's devices, and of the caller's own publishing.
func (a *API) myEvents(w http.ResponseWriter, r *request) error {
	prefix, err := eventPrefix(r)
	if err != nil {
		return err
	}
	return a.stream(w, r, event.Filter{Owner: r.caller.user, Prefix: prefix}, rest.Header{Scope: rest.ScopeMine, Prefix: prefix})
}

// deviceEvents answers GET /v1/devices/{device}/events[/{prefix…}].
func (a *API) deviceEvents(w http.ResponseWriter, r *request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	prefix, err := eventPrefix(r)
	if err != nil {
		return err
	}
	return a.stream(w, r, event.Filter{Owner: r.caller.user, Device: d.ID, Prefix: prefix},
		rest.Header{Scope: rest.ScopeDevice, Device: d.ID.String(), Prefix: prefix})
}

// allEvents answers GET /v1/events/{prefix…}: the caller's events, and
// everybody's public ones.
func (a *API) allEvents(w http.ResponseWriter, r *request) error {
	prefix, err := eventPrefix(r)
	if err != nil {
		return err
	}
	if prefix == "" {
		return fault.Errorf(fault.Invalid, "event prefix filter is required").WithCode(rest.CodePrefixMissing)
	}
	return a.stream(w, r, event.Filter{Owner: r.caller.user, Public: true, Prefix: prefix},
		rest.Header{Scope: rest.ScopeAll, Prefix: prefix})
}

// eventPrefix reads what follows /events/ in the path: one segment with its
// slashes encoded, as programs send it, or as many as people type.
func eventPrefix(r *request) (string, error) {
	_, escaped, _ := strings.Cut(r.URL.EscapedPath(), "/"+rest.WordEvents+"/")
	prefix, err := url.PathUnescape(escaped)
	if err != nil || len(prefix) > 4*event.MaxName {
		return "", malformed("the event prefix cannot be read")
	}
	return prefix, nil
}

// stream opens an event stream.
func (a *API) stream(w http.ResponseWriter, r *request, f event.Filter, about rest.Header) error {
	if r.Method != http.MethodGet {
		return &methodError{method: r.Method, methods: []string{http.MethodGet}}
	}
	err := a.hub.Serve(w, r.Request, stream.Subscription{
		Filter: f, About: about, Source: neighbourhood(r.Request), Request: r.id,
	})
	if answered, ok := w.(*response); ok && err == nil {
		answered.status = http.StatusOK
	}
	return err
}

// maxTTL is the longest time to live of an event, in seconds: 24 bits.
const maxTTL = 1<<24 - 1

// publish answers POST /v1/devices/events.
func (a *API) publish(w http.ResponseWriter, r *request) error {
	name, ok := r.form.get("name")
	if !ok {
		name, _ = r.form.get("event")
	}
	if err := event.CheckName(name); err != nil {
		return err
	}
	data, hasData := r.form.get("data")
	if len(data) > event.MaxData {
		return fault.Errorf(fault.Invalid, "the event's data is %d bytes long, at most %d are allowed", len(data), event.MaxData)
	}
	private, err := r.form.truth("private", true)
	if err != nil {
		return err
	}
	ttl := event.DefaultTTL
	if v, ok := r.form.get("ttl"); ok && v != "" {
		seconds, err := strconv.ParseInt(v, 10, 64)
		if err != nil || seconds < 0 {
			return malformed("the field ttl is not a number of seconds")
		}
		ttl = time.Duration(min(seconds, maxTTL)) * time.Second
	}
	var id [16]byte
	rand.Read(id[:]) // never fails
	err = a.cfg.Bus.Publish(&event.Event{
		ID: hex.EncodeToString(id[:]), Name: name, Data: []byte(data), HasData: hasData, TTL: ttl, Public: !private,
		Source: event.FromAPI, Owner: r.caller.user, Published: time.Now(),
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, rest.OK{OK: true})
}
