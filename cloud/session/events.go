package session

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// maxDeliveries is how many messages of ours may wait for a device's
// acknowledgement; events beyond that are dropped and counted, as the device's
// own queue would.
const maxDeliveries = 32

// told are the reserved names that Device OS publishes by itself and that the
// device's owner sees.
var told = []string{
	spark.EventLastReset, spark.EventSafeMode, spark.EventUpdatesEnabled, spark.EventUpdatesForced,
}

// inner are those that are for the cloud alone: facts for it, and questions
// that it answers by an event of the same name. Under any other reserved name
// a device may say nothing.
var inner = []string{
	spark.EventMaxBinary, spark.EventChunkSize, spark.EventIdent, spark.EventKeyError,
	spark.EventDeviceName, spark.EventDeviceIP, spark.EventDeviceRandom,
}

// receiveEvent publishes what the device published.
func (s *Session) receiveEvent(now time.Time, m *coap.Message, outs *Outs) {
	e, err := outs.texts.ParseEvent(m)
	if err != nil {
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	kind := Publish
	switch {
	case slices.Contains(inner, e.Name):
		kind = Told
	case e.Name == event.ClaimCode: // for the people's door, which claims the device and shows it to nobody
	case event.Reserved(e.Name) && !slices.Contains(told, e.Name):
		s.answerCode(now, m, codeOf(fault.Denied), outs)
		return
	}
	waits := kind == Publish && outs.KeepEvents && m.Type == coap.Confirmable && e.Name != event.ClaimCode
	if waits && (s.holdsEvent(m.ID) || !s.canHold()) {
		s.Duplicates++
		return // its answer comes, or it is said again
	}
	at := len(outs.bytes)
	outs.bytes = append(outs.bytes, e.Data...)
	out := event.Event{
		ID: s.eventID(outs), Name: e.Name, Data: outs.bytes[at:len(outs.bytes):len(outs.bytes)], HasData: e.HasData,
		TTL: time.Duration(e.TTL) * time.Second, Public: e.Public, Device: s.id, Published: now,
	}
	if e.HasFormat {
		out.ContentFormat = e.ContentFormat
	}
	if waits {
		outs.add(Out{Kind: kind, Event: out, Token: s.holdEvent(m)})
		return
	}
	outs.add(Out{Kind: kind, Event: out})
	s.answerCode(now, m, coap.Changed, outs)
	if e.Name == spark.EventDeviceIP && s.peer.IsValid() {
		s.deliver(now, &event.Event{
			Name: e.Name, Data: []byte(s.peer.Addr().Unmap().String()), HasData: true, Source: event.FromCloud,
		}, outs)
	}
}

// eventID names an event by its session and its packet, so that what is
// published twice is seen to be the same.
func (s *Session) eventID(outs *Outs) string {
	var b [16]byte
	var text [32]byte
	copy(b[:8], s.origin[:])
	for i := range 8 {
		b[15-i] = byte(s.seq >> (8 * i))
	}
	return outs.texts.Text(text[:hex.Encode(text[:], b[:])])
}

// deliver sends the device an event that it asked for. System events come from
// the cloud only: what one device says of its own updates is an order to the
// next.
func (s *Session) deliver(now time.Time, e *event.Event, outs *Outs) {
	if event.Forbidden(e.Name) || event.Reserved(strings.TrimLeft(e.Name, "/")) && e.Source != event.FromCloud {
		return
	}
	if s.phase < startUp || s.halfway() || s.away() || s.desk.pending.Len() >= maxDeliveries {
		s.Undelivered++
		return
	}
	out := spark.Event{
		Name: e.Name, Data: e.Data, HasData: e.HasData, Public: e.Public,
		ContentFormat: e.ContentFormat, HasFormat: e.ContentFormat != event.Text,
	}
	t := coap.NonConfirmable
	if s.udp() {
		t = coap.Confirmable
	}
	id, err := s.nextID(now, outs)
	if err != nil {
		s.Undelivered++
		return
	}
	var buf [256]byte
	message, err := spark.AppendEvent(buf[:0], t, id, &out, spark.DeliveryLayout(s.hello.get().SystemVersion))
	switch {
	case err != nil || len(message) > s.Limits().Message:
		s.Undelivered++
	case s.udp():
		s.request(now, id, message, outs)
	default:
		s.send(now, message, outs)
	}
}
