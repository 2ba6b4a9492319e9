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
// ends. This node's gateway knows it when Changed returns: a device that comes
// with the new key behind that is not taken for one that has the old. The error
// is Unavailable if the others cannot be told.
func (b *Bus) Changed(id device.ID, owner account.ID, key bool) error {
	b.change(id, owner, key)
	w := newWriter(48)
	w.device(id)
	w.string(string(owner))
	w.bool(key)
	// The reply subject says whose it is: nobody answers.
	if err := b.conn.PublishRequest(subjectChanged, b.address, w.b); err != nil {
		return fault.E(fault.Unavailable, "tell the gateways of the device", err).WithCode(rest.CodeBusUnavailable)
	}
	return nil
}

// changed takes what another node said with Changed.
func (b *Bus) changed(m *nats.Msg) {
	if m.Reply == b.address {
		return // this node knew it at once
	}
	r := newLastingReader(m.Data)
	id, owner, key := r.device(), account.ID(r.string()), r.bool()
	if r.end() != nil {
		b.metrics.dropped.WithLabelValues(dropMalformed).Inc()
		b.deaf() // whose the device is no more cannot be told
		return
	}
	b.change(id, owner, key)
}

// change hands a change to this node's doors.
func (b *Bus) change(id device.ID, owner account.ID, key bool) {
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
