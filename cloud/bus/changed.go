package bus

import (
	"github.com/nats-io/nats.go"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Changed tells every gateway that a device has another owner (empty: none)
// or, if key is true, another key: the session that was made with the old one
// ends.
func (b *Bus) Changed(id device.ID, owner account.ID, key bool) error {
	w := newWriter(48)
	w.device(id)
	w.string(string(owner))
	w.bool(key)
	if err := b.conn.Publish(subjectChanged, w.b); err != nil {
		return fault.E(fault.Unavailable, "tell the gateways of the device", err).WithCode(rest.CodeBusUnavailable)
	}
	return nil
}

// changed hands a change to this node's doors.
func (b *Bus) changed(m *nats.Msg) {
	r := newReader(m.Data)
	id, owner, key := r.device(), account.ID(r.string()), r.bool()
	if r.end() != nil {
		b.metrics.dropped.WithLabelValues(dropMalformed).Inc()
		return
	}
	b.watchers.each(func(w Watcher) { w.OwnerChanged(id, owner) })
	s := b.serving.Load()
	if s == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			b.panicked("gateway", v)
		}
	}()
	s.gateway.Changed(id, owner, key)
}
