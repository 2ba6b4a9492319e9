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
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// myEvents answers GET /v1/devices/events[/{prefix…}]: the events of all the
// caller's devices, and of the caller's own publishing.
func (a *API) myEvents(w http.ResponseWriter, r *web.Request) error {
	prefix, err := eventPrefix(r)
	if err != nil {
		return err
	}
	return a.stream(w, r, event.Filter{Owner: r.Caller.User, Prefix: prefix}, rest.Header{Scope: rest.ScopeMine, Prefix: prefix})
}

// deviceEvents answers GET /v1/devices/{device}/events[/{prefix…}].
func (a *API) deviceEvents(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	prefix, err := eventPrefix(r)
	if err != nil {
		return err
	}
	return a.stream(w, r, event.Filter{Owner: r.Caller.User, Device: d.ID, Prefix: prefix},
		rest.Header{Scope: rest.ScopeDevice, Device: d.ID.String(), Prefix: prefix})
}

// allEvents answers GET /v1/events/{prefix…}: the caller's events, and
// everybody's public ones.
func (a *API) allEvents(w http.ResponseWriter, r *web.Request) error {
	prefix, err := eventPrefix(r)
	if err != nil {
		return err
	}
	if prefix == "" {
		return fault.Errorf(fault.Invalid, "event prefix filter is required").WithCode(rest.CodePrefixMissing)
	}
	return a.stream(w, r, event.Filter{Owner: r.Caller.User, Public: true, Prefix: prefix},
		rest.Header{Scope: rest.ScopeAll, Prefix: prefix})
}

// eventPrefix reads what follows /events/ in the path: one segment with its
// slashes encoded, as programs send it, or as many as people type.
func eventPrefix(r *web.Request) (string, error) {
	_, escaped, _ := strings.Cut(r.URL.EscapedPath(), "/"+rest.WordEvents+"/")
	prefix, err := url.PathUnescape(escaped)
	if err != nil || len(prefix) > 4*event.MaxName {
		return "", web.Malformed("the event prefix cannot be read")
	}
	return prefix, nil
}

// stream opens an event stream.
func (a *API) stream(w http.ResponseWriter, r *web.Request, f event.Filter, about rest.Header) error {
	if r.Method != http.MethodGet {
		return web.WrongMethod(r, http.MethodGet)
	}
	err := a.hub.Serve(w, r.Request, stream.Subscription{
		Filter: f, About: about, Source: r.Neighbourhood(), Request: r.ID,
	})
	if err == nil {
		web.Answered(w, http.StatusOK)
	}
	return err
}

// maxTTL is the longest time to live of an event, in seconds: 24 bits.
const maxTTL = 1<<24 - 1

// publish answers POST /v1/devices/events.
func (a *API) publish(w http.ResponseWriter, r *web.Request) error {
	name, ok := r.Form.Get("name")
	if !ok {
		name, _ = r.Form.Get("event")
	}
	if err := event.CheckName(name); err != nil {
		return err
	}
	data, hasData := r.Form.Get("data")
	if len(data) > event.MaxData {
		return fault.Errorf(fault.Invalid, "the event's data is %d bytes long, at most %d are allowed", len(data), event.MaxData)
	}
	private, err := r.Form.Truth("private", true)
	if err != nil {
		return err
	}
	ttl := event.DefaultTTL
	if v, ok := r.Form.Get("ttl"); ok && v != "" {
		seconds, err := strconv.ParseInt(v, 10, 64)
		if err != nil || seconds < 0 {
			return web.Malformed("the field ttl is not a number of seconds")
		}
		ttl = time.Duration(min(seconds, maxTTL)) * time.Second
	}
	var id [16]byte
	rand.Read(id[:]) // never fails
	err = a.cfg.Bus.Publish(&event.Event{
		ID: hex.EncodeToString(id[:]), Name: name, Data: []byte(data), HasData: hasData, TTL: ttl, Public: !private,
		Source: event.FromAPI, Owner: r.Caller.User, Published: time.Now(),
	})
	if err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}
