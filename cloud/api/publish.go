package api

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

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
