package session

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// maxDeliveries is how many events may wait for a device's acknowledgement;
// further ones are dropped and counted, as the device's own queue would.
const maxDeliveries = 32

// told are the reserved names under which a device tells of itself and which
// its owner sees. What else it says under reserved names is for us, or not
// for it to say.
var told = []string{
	"spark/device/last_reset", "spark/device/safemode", "spark/device/diagnostics/",
	"particle/device/updates/",
}

// inner are the reserved names that are taken and go no further.
var inner = []string{
	"spark/hardware/", "spark/device/claim/code", "spark/device/ident/", "spark/device/key/error",
	"spark/device/session/", "spark/device/ota_result", "particle/device/name", "particle/device/ip", "particle/device/random",
}

// receiveEvent publishes what the device published.
func (s *Session) receiveEvent(now time.Time, m *coap.Message, outs *Outs) {
	e, err := spark.ParseEvent(m)
	if err != nil {
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	if event.Reserved(e.Name) && !hasPrefix(told, e.Name) {
		code := codeOf(fault.Denied)
		if hasPrefix(inner, e.Name) {
			code = coap.Changed
			s.inform(now, e.Name, outs)
		}
		s.answerCode(now, m, code, outs)
		return
	}
	at := len(outs.bytes)
	outs.bytes = append(outs.bytes, e.Data...)
	out := event.Event{
		ID: s.eventID(), Name: e.Name, Data: outs.bytes[at:len(outs.bytes):len(outs.bytes)], HasData: e.HasData,
		TTL: time.Duration(e.TTL) * time.Second, Public: e.Public, Device: s.id, Published: now,
	}
	if e.HasFormat {
		out.ContentFormat = e.ContentFormat
	}
	outs.add(Out{Kind: Publish, Event: out})
	s.answerCode(now, m, coap.Changed, outs)
}

// inform answers the questions that a device puts as events by an event of
// the same name.
func (s *Session) inform(now time.Time, name string, outs *Outs) {
	if name == "particle/device/ip" && s.peer.IsValid() {
		s.deliver(now, &event.Event{Name: name, Data: []byte(s.peer.Addr().String()), HasData: true, Source: event.FromCloud}, outs)
	}
}

// eventID names an event by its session and its record, so that what is
// published twice is seen to be the same.
func (s *Session) eventID() string {
	var b [16]byte
	copy(b[:8], s.origin[:])
	n := s.secure.Window.Top
	if !s.udp {
		s.eventCount++
		n = s.eventCount
	}
	for i := range 8 {
		b[15-i] = byte(n >> (8 * i))
	}
	return hex.EncodeToString(b[:])
}

// deliver sends the device an event that it asked for.
func (s *Session) deliver(now time.Time, e *event.Event, outs *Outs) {
	if s.phase != startUp && s.phase != established || event.Forbidden(e.Name) {
		return
	}
	if s.pending.Len() >= maxDeliveries {
		s.Undelivered++
		return
	}
	id, err := s.ids.Next(now)
	if err != nil {
		s.Undelivered++
		return
	}
	t := coap.NonConfirmable
	if s.udp {
		t = coap.Confirmable
	}
	var buf [256]byte
	out := spark.Event{
		Name: e.Name, Data: e.Data, HasData: e.HasData, TTL: uint32(e.TTL / time.Second), Public: e.Public,
		ContentFormat: e.ContentFormat, HasFormat: e.ContentFormat != event.Text,
	}
	message, err := spark.AppendEvent(buf[:0], t, id, &out, spark.DeliveryLayout(s.hello.SystemVersion))
	if err != nil || s.limits.Message > 0 && len(message) > s.limits.Message {
		s.Undelivered++
		return
	}
	if s.udp {
		s.request(now, id, 0, false, message, outs)
		return
	}
	s.send(now, message, outs)
}

func hasPrefix(list []string, name string) bool {
	for _, p := range list {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
