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
	if err := a.cfg.Feed.Hearing(); err != nil {
		return err
	}
	sub := stream.Subscription{
		Filter: f, About: about, Token: r.Caller.Token.Hash, Expires: r.Caller.Token.Expires,
		Source: r.Neighbourhood(), Request: r.ID, Recheck: func() error { return a.recheck(r) },
	}
	sub.After, sub.Resume = resumeAfter(r)
	err := a.hub.Serve(w, r.Request, sub)
	if err == nil {
		web.Answered(w, http.StatusOK)
	}
	return err
}

// resumeAfter reads whether the reader wants a stream that can be resumed, and
// after which id: what a browser sends by itself when it comes back, or the
// parameter of the first time.
func resumeAfter(r *web.Request) (after string, resume bool) {
	if id := r.Header.Values("Last-Event-ID"); len(id) > 0 {
		return id[0], true
	}
	query := r.URL.Query()
	return query.Get("resume"), query.Has("resume")
}

// recheck fails if the caller's token has been revoked since the request came.
func (a *API) recheck(r *web.Request) error {
	_, err := a.cfg.Tokens.UseToken(r.Context(), r.Caller.Token.Hash, time.Now())
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return fault.Errorf(fault.Unauthenticated, "The access token provided is invalid.").WithCode(rest.CodeTokenInvalid)
	}
	return nil // an outage is no revocation
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
	return a.say(w, r, &event.Event{
		ID: hex.EncodeToString(id[:]), Name: name, Data: []byte(data), HasData: hasData, TTL: ttl, Public: !private,
		Source: event.FromAPI, Owner: r.Caller.User, Published: time.Now(),
	})
}

// say publishes the event. Where a history is kept, it is there before the
// caller hears that it was published.
func (a *API) say(w http.ResponseWriter, r *web.Request, e *event.Event) error {
	if a.cfg.History != nil {
		if err := a.cfg.Feed.Hearing(); err != nil {
			return err // or it would be kept, and then refused
		}
		if err := a.cfg.History.Keep(r.Context(), e); err != nil {
			return err
		}
	}
	if err := a.cfg.Bus.Publish(e); err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, rest.OK{OK: true})
}
