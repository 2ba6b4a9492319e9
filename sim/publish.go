package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// publish publishes an event of the application. Too much data is cut off, as
// devices do; a fifth event within a second is refused.
func (d *Device) publish(e Event) bool {
	if d.phase != Connected {
		return false
	}
	if !spark.Reserved(e.Name) && !d.published.allow(d.now) {
		d.note(Warn, "event %s refused: more than four in a second", e.Name)
		return false
	}
	e.Name = e.Name[:min(len(e.Name), d.limits.EventName)]
	e.Data = e.Data[:min(len(e.Data), d.limits.EventData)]
	return d.sayEvent(e, false)
}

func (d *Device) sayEvent(e Event, startup bool) bool {
	event := spark.Event{
		Name: e.Name, Data: e.Data, HasData: e.Data != nil, TTL: e.TTL,
		ContentFormat: e.ContentFormat, HasFormat: e.ContentFormat != spark.FormatText,
		Public: e.Public && d.cfg.Profile.SystemVersion < Newest().SystemVersion,
	}
	if event.TTL == 0 {
		event.TTL = spark.DefaultTTL
	}
	t := ordinary(d.cfg.Transport)
	switch e.Ack {
	case WithAck:
		t = coap.Confirmable
	case NoAck:
		t = coap.NonConfirmable
	}
	return d.say(t, func(id uint16) ([]byte, error) {
		return spark.AppendEvent(nil, t, id, &event, spark.PublishLayout(d.cfg.Profile.SystemVersion))
	}, pending{startup: startup})
}

// publishDue publishes the periodic events whose time has come.
func (d *Device) publishDue() {
	if d.phase != Connected || d.safeMode {
		return
	}
	for i, periodic := range d.cfg.Application.Periodic {
		if d.phase == Connected && d.passed(d.due[i]) {
			d.due[i] = d.due[i].Add(periodic.Every)
			if !d.now.Before(d.due[i]) { // late by whole periods: they are lost
				d.due[i] = d.now.Add(periodic.Every)
			}
			d.publish(periodic.Event(&App{d}))
		}
	}
}

// event handles an event from the server.
func (d *Device) event(m *coap.Message) {
	e, err := spark.ParseEvent(m)
	if errors.Is(err, spark.ErrName) {
		d.end(endNoName)
	}
	if err != nil {
		return
	}
	if d.cfg.Transport == UDP {
		d.confirm(m)
	}
	if d.systemEvent(e.Name, string(e.Data)) || d.safeMode {
		return
	}
	for _, s := range d.cfg.Application.Subscriptions {
		if !strings.HasPrefix(e.Name, s.Prefix) {
			continue
		}
		d.note(Info, "event %s %q", e.Name, e.Data)
		if s.Handle != nil {
			s.Handle(&App{d}, e.Name, e.Data)
		}
	}
}

// systemEvent does what the system is told by an event, and reports whether
// the event was for it.
func (d *Device) systemEvent(name, data string) bool {
	switch {
	case name == spark.EventReset:
		d.note(Warn, "told to reset: %s", data)
		switch data {
		case spark.ResetReboot:
			d.restart(false)
		case spark.ResetSafeMode:
			d.restart(true)
		case spark.ResetNetwork:
			d.leaveNetwork(endNetwork.text)
		case spark.ResetDFU:
			d.hangUp()
			d.enter(Off, ledBootloader)
		}
	case strings.HasPrefix(name, spark.EventKeyRestore):
		// A real device would now belong to the maker's cloud again.
		d.note(Warn, "told to restore the factory server key")
	case strings.HasPrefix(name, spark.EventClaimed), name == spark.EventUpdatesForced, name == spark.EventUpdatesPending:
		d.note(Info, "told %s %s", name, data)
	default:
		return false
	}
	return true
}

// trace notes a message, if anybody reads it.
func (d *Device) trace(arrow string, b []byte) {
	if d.cfg.Trace {
		d.note(Trace, "%s %s", arrow, describeMessage(b))
	}
}

// describeMessage puts a message into words: "CON 0.02 #7 token 11 /f/echo?hello 3 bytes".
func describeMessage(b []byte) string {
	m, err := coap.Parse(b)
	if err != nil {
		return fmt.Sprintf("unreadable %x", b)
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%v %v #%d", m.Type, m.Code, m.ID)
	if len(m.Token) > 0 {
		fmt.Fprintf(&s, " token %x", m.Token)
	}
	if path := m.Path(nil); len(path) > 0 {
		fmt.Fprintf(&s, " /%s", path)
	}
	for o := m.Options(); o.Next(); {
		switch {
		case o.Number == coap.URIPath:
		case o.Number == coap.URIQuery && len(o.Value) == 1 && o.Value[0] < ' ':
			fmt.Fprintf(&s, " ?%02x", o.Value)
		case o.Number == coap.URIQuery:
			fmt.Fprintf(&s, " ?%s", o.Value)
		default:
			fmt.Fprintf(&s, " %d=%x", o.Number, o.Value)
		}
	}
	if len(m.Payload) > 0 {
		fmt.Fprintf(&s, " %q", m.Payload)
	}
	return s.String()
}

// A device publishes at most burst application events in any window.
const (
	burst       = 4
	burstWindow = time.Second
)

// rate holds the times of the latest application events.
type rate struct {
	at   [burst]time.Time
	next int
}

// allow reports whether one more event may go out now, and counts it.
func (r *rate) allow(now time.Time) bool {
	oldest := r.at[r.next]
	if !oldest.IsZero() && now.Sub(oldest) < burstWindow {
		return false
	}
	r.at[r.next] = now
	r.next = (r.next + 1) % burst
	return true
}
