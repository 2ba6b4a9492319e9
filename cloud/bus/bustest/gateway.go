// Package bustest checks that a bus does what its doors rely on, and offers a
// gateway to test doors against.
package bustest

import (
	"context"
	"sync"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// Gateway is a gateway without devices behind it: it says what its test tells
// it to. The zero value holds nothing.
type Gateway struct {
	mu     sync.Mutex
	states map[device.ID]device.State                                // guarded by mu
	answer func(ctx context.Context, c bus.Call) (bus.Result, error) // guarded by mu
	calls  []bus.Call                                                // guarded by mu
	news   []Change                                                  // guarded by mu
}

// Change is what a gateway was told of a device.
type Change struct {
	Device device.ID
	Owner  account.ID
	Key    bool
}

// SetState says what state the gateway gives for the device.
func (g *Gateway) SetState(id device.ID, s device.State) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.states == nil {
		g.states = make(map[device.ID]device.State)
	}
	g.states[id] = s
}

// Answer says what the gateway does with calls.
func (g *Gateway) Answer(fn func(ctx context.Context, c bus.Call) (bus.Result, error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = fn
}

// Calls gives the calls that came so far.
func (g *Gateway) Calls() []bus.Call {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]bus.Call(nil), g.calls...)
}

// Call does what the test said; without that, no device is connected.
func (g *Gateway) Call(ctx context.Context, c bus.Call) (bus.Result, error) {
	g.mu.Lock()
	g.calls = append(g.calls, c)
	answer := g.answer
	g.mu.Unlock()
	if answer == nil {
		return bus.Result{Stage: bus.NotConnected}, fault.Errorf(fault.Offline, "the device is not connected")
	}
	return answer(ctx, c)
}

// States gives the states that the test set.
func (g *Gateway) States(ids []device.ID, into map[device.ID]device.State) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range ids {
		if s, ok := g.states[id]; ok {
			into[id] = s
		}
	}
}

// Changed keeps what it is told.
func (g *Gateway) Changed(id device.ID, owner account.ID, key bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.news = append(g.news, Change{id, owner, key})
}

// Changes gives what came by Changed so far.
func (g *Gateway) Changes() []Change {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Change(nil), g.news...)
}
