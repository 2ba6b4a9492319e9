package bustest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

func testStop(t *testing.T, open opener) {
	nodes := open(2)
	g := new(Gateway)
	stop, err := nodes[0].Serve(g)
	if err != nil {
		t.Fatal(err)
	}
	entered, _ := waiting(g)
	nodes[0].Holding(deviceID(1))
	failed := make(chan error, 1)
	go func() {
		_, err := nodes[0].Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Ping})
		failed <- err
	}()
	receive(t, entered)
	stopped := make(chan struct{}, 1)
	go func() {
		stop()
		stopped <- struct{}{}
	}()
	receive(t, stopped)
	if err := receive(t, failed); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("the call in flight: error %v", err)
	}
	for _, b := range nodes {
		eventually(t, "nobody calls a gateway that has stopped", func() bool {
			_, err := b.Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Ping})
			return fault.KindOf(err) == fault.Unavailable
		})
	}
}

// answering makes the node a gateway that answers every call with n.
func answering(t *testing.T, b *bus.Bus, n int32) *Gateway {
	t.Helper()
	g := gatewayOn(t, b)
	g.Answer(func(context.Context, bus.Call) (bus.Result, error) { return bus.Result{Return: n}, nil })
	return g
}

// answeredBy waits until a call to the device is answered by gateway n.
func answeredBy(t *testing.T, b *bus.Bus, id device.ID, n int32) {
	t.Helper()
	eventually(t, "the right gateway answers", func() bool {
		res, err := b.Call(t.Context(), bus.Call{Device: id, Kind: bus.Ping})
		return err == nil && res.Return == n
	})
}

func testMove(t *testing.T, open opener) {
	nodes := open(3)
	for i, b := range nodes[:2] {
		answering(t, b, int32(i))
	}
	nodes[0].Holding(deviceID(1))
	for _, b := range nodes {
		answeredBy(t, b, deviceID(1), 0)
	}
	for _, b := range nodes {
		// A gateway says again what it holds, with every sign of life of the
		// device: the first node may have been announcing at the same moment.
		eventually(t, "the gateway that said last answers", func() bool {
			nodes[1].Holding(deviceID(1))
			res, err := b.Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Ping})
			return err == nil && res.Return == 1
		})
	}
	nodes[0].Released(deviceID(1)) // late: it is not the first node's any more
	nodes[0].Holding(deviceID(2))  // the others hear this after that
	for _, b := range nodes {
		answeredBy(t, b, deviceID(2), 0)
		answeredBy(t, b, deviceID(1), 1)
	}
	nodes[1].Released(deviceID(1))
	for _, b := range nodes {
		eventually(t, "the device is nowhere", func() bool {
			_, err := b.Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Ping})
			return fault.KindOf(err) == fault.Offline
		})
	}
}

func testLateNode(t *testing.T, open opener) {
	nodes := open(2)
	answering(t, nodes[0], 5)
	// More than one announcement holds, so that it takes several.
	const n = 20_000
	for i := range n {
		nodes[0].Holding(device.ID{1, 2, 3, 9: byte(i >> 16), 10: byte(i >> 8), 11: byte(i)})
	}
	answeredBy(t, nodes[1], device.ID{1, 2, 3, 10: (n - 1) >> 8, 11: (n - 1) & 0xff}, 5)
	answeredBy(t, nodes[1], device.ID{1, 2, 3}, 5)
}

func testStates(t *testing.T, open opener) {
	nodes := open(2)
	at := time.Unix(1790000000, 0).UTC()
	online := device.State{Word: device.Online, Since: at}
	offline := device.State{Word: device.Offline, Since: at.Add(time.Second), Reason: device.PeerClosed}
	g0, g1 := gatewayOn(t, nodes[0]), gatewayOn(t, nodes[1])
	g0.SetState(deviceID(1), online)
	nodes[0].Holding(deviceID(1))
	// The device left node 0 and came to node 1.
	g0.SetState(deviceID(2), offline)
	g1.SetState(deviceID(2), online)
	nodes[1].Holding(deviceID(2))
	// Both saw it fail; node 1 did later.
	g0.SetState(deviceID(3), device.State{Word: device.Offline, Since: at})
	g1.SetState(deviceID(3), offline)
	// Node 0 was said to hold it and knows nothing of it; node 1 does.
	nodes[0].Holding(deviceID(4))
	g1.SetState(deviceID(4), offline)
	want := map[device.ID]device.State{
		deviceID(1): online, deviceID(2): online, deviceID(3): offline, deviceID(4): offline,
	}
	ids := []device.ID{deviceID(1), deviceID(2), deviceID(3), deviceID(4), deviceID(5)}
	for _, b := range nodes {
		var diff string
		eventually(t, "the nodes agree", func() bool {
			got, err := b.States(t.Context(), ids)
			if err != nil {
				return false
			}
			diff = cmp.Diff(want, got)
			return diff == ""
		})
		for range 20 { // whichever node answers first
			if got, err := b.States(t.Context(), ids); err != nil || cmp.Diff(want, got) != "" {
				t.Fatalf("error %v: %s", err, cmp.Diff(want, got))
			}
		}
	}
}

// testChanged: the node that says it knows it at once and hears it once, the
// others hear it.
func testChanged(t *testing.T, open opener) {
	nodes := open(2)
	g0, g1 := gatewayOn(t, nodes[0]), gatewayOn(t, nodes[1])
	want := []Change{{Device: deviceID(1), Owner: "5f0000000000000000000001", Key: true}, {Device: deviceID(2)}, {Device: deviceID(3)}}
	for i, c := range want {
		node, here, there := nodes[0], g0, g1
		if i == 2 { // behind what node 0 might hear of its own
			node, here, there = nodes[1], g1, g0
		}
		if err := node.Changed(c.Device, c.Owner, c.Key); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[:i+1], here.Changes()); diff != "" {
			t.Fatalf("change %d is not known at once where it was said: %s", i, diff)
		}
		eventually(t, "the change", func() bool { return len(there.Changes()) > i })
	}
	for _, g := range []*Gateway{g0, g1} {
		if diff := cmp.Diff(want, g.Changes()); diff != "" {
			t.Errorf("the changes: %s", diff)
		}
	}
}
