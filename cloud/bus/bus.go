// Package bus is where the doors meet: events fan out to all of them, and a
// call finds the gateway node that holds its device.
//
// It rides on NATS: a server embedded in the process where there is one
// machine, a cluster by URL where there are many. Nothing that is published
// here is durable; everything has a bound, and what goes over it is counted.
package bus

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
)

// Config says how to reach the bus. The zero value is a bus of its own,
// inside the process.
type Config struct {
	// URL of a NATS cluster; empty: a server embedded in this process, that
	// listens on no socket.
	URL string
	// Node is this node's name, of letters, digits, '-' and '_'; empty: "local".
	// Two nodes may share a name, as a process and its successor do.
	Node string
	// OutboxBytes bounds what is published and not yet sent; zero: 8 MiB.
	// Events beyond it are refused and counted.
	OutboxBytes int
	// MaxCalls bounds the calls that this node's gateway performs at once;
	// zero: 4096. Calls beyond it are refused as busy and counted.
	MaxCalls int

	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: none
}

// Bus is a node's place on the bus. Its methods can be called from any
// goroutine.
type Bus struct{}

// Open joins the bus. It gives up when ctx ends.
func Open(ctx context.Context, cfg Config) (*Bus, error) { return &Bus{}, nil }

// Close leaves the bus: calls that are in flight fail, and all that Open
// started has ended when it returns.
func (b *Bus) Close() error { return nil }

// Publish hands the event to everybody who subscribed, on every node. It
// never blocks: when the outbox is full the event is dropped, counted, and
// the error's kind is Busy.
func (b *Bus) Publish(e *event.Event) error { return nil }

// Subscribe calls fn for every event on the bus, one at a time and in each
// publisher's order. fn must not block, nor change the event. cancel returns
// when fn has returned for the last time; fn must not call it.
func (b *Bus) Subscribe(fn func(*event.Event)) (cancel func(), err error) {
	return func() {}, nil
}

// Call performs c on the node that holds the device. When ctx ends, the
// gateway is told. A device that no node holds fails at once as Offline; with
// any error the result's State and Stage tell what is known.
func (b *Bus) Call(ctx context.Context, c Call) (Result, error) { return Result{}, nil }

// States asks the nodes what state the devices are in: the one source for
// what is connected. Devices that no node knows are left out; those of a
// node that does not answer are Unknown.
func (b *Bus) States(ctx context.Context, ids []device.ID) (map[device.ID]device.State, error) {
	return nil, nil
}

// Serve makes this node a gateway: calls for the devices that it holds come
// to g. stop ends that: it lets every node forget what this one held, and
// returns when the calls in flight have ended. One gateway a node.
func (b *Bus) Serve(g Gateway) (stop func(), err error) { return func() {}, nil }

// Holding tells all nodes that this one holds the device. It never blocks.
func (b *Bus) Holding(id device.ID) {}

// Released tells all nodes that this one holds the device no longer; if
// another has announced it since, that stays. It never blocks.
func (b *Bus) Released(id device.ID) {}
