package bustest

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
)

// aState is a state with every field set.
func aState() device.State {
	at := time.Unix(1790000000, 5).UTC()
	return device.State{
		Word: device.Limbo, Since: at, Reason: device.NoAnswer, LastSeen: at.Add(time.Second),
		ProvenAt: at.Add(2 * time.Second), KeepAlive: 25 * time.Second, Transport: "udp",
		Address: "[2001:db8::1]:5684", Until: at.Add(time.Hour),
	}
}

func testCallReachesHolder(t *testing.T, open opener) {
	nodes := open(3)
	for i, b := range nodes[:2] {
		gatewayOn(t, b).Answer(func(_ context.Context, c bus.Call) (bus.Result, error) {
			return bus.Result{
				Return: int32(10*i) + int32(len(c.Argument)), Stage: bus.Answered, State: aState(),
				RoundTrip: 3 * time.Millisecond, MaxArgument: 622, Online: true,
			}, nil
		})
		b.Holding(deviceID(byte(i)))
	}
	for i := range 2 {
		for node, b := range nodes {
			eventually(t, "the call reaches the holder", func() bool {
				got, err := b.Call(t.Context(), bus.Call{
					Device: deviceID(byte(i)), Kind: bus.Function, Name: "led", Argument: "on",
				})
				if err != nil {
					return false // the announcement is on its way
				}
				want := bus.Result{
					Return: int32(10*i) + 2, Stage: bus.Answered, State: aState(),
					RoundTrip: 3 * time.Millisecond, MaxArgument: 622, Online: true,
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("node %d: %s", node, diff)
				}
				return true
			})
		}
	}
}

// pair opens two nodes and gives the gateway of the first, which holds the
// device 1, as both know: a call takes another way from each.
func pair(t *testing.T, open opener) (nodes []*bus.Bus, g *Gateway) {
	t.Helper()
	nodes = open(2)
	g = gatewayOn(t, nodes[0])
	g.Answer(func(context.Context, bus.Call) (bus.Result, error) { return bus.Result{}, nil })
	nodes[0].Holding(deviceID(1))
	eventually(t, "a call reaches the other node's gateway", func() bool {
		_, err := nodes[1].Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Ping})
		return err == nil
	})
	return nodes, g
}

func testValues(t *testing.T, open opener) {
	nodes, g := pair(t, open)
	for _, b := range nodes {
		valuesCross(t, b, g)
	}
}

func valuesCross(t *testing.T, b *bus.Bus, g *Gateway) {
	t.Helper()
	for _, want := range []bus.Value{
		bus.BoolValue(true), bus.Int32Value(math.MinInt32), bus.DoubleValue(math.Inf(-1)), bus.DoubleValue(0.1),
		bus.TextValue("grün\x00\xff"), bus.TextValue(""),
		{},
	} {
		g.Answer(func(context.Context, bus.Call) (bus.Result, error) { return bus.Result{Value: want}, nil })
		got, err := b.Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Variable, Name: "v"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Value); diff != "" {
			t.Error(diff)
		}
	}
	want := bus.Call{Device: deviceID(1), Kind: bus.Signal, On: true, Flags: 4, Timeout: time.Second, Request: "r1"}
	if _, err := b.Call(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	calls := g.Calls()
	if diff := cmp.Diff(want, calls[len(calls)-1]); diff != "" {
		t.Error(diff)
	}
}

func testErrorCrosses(t *testing.T, open opener) {
	nodes, g := pair(t, open)
	g.Answer(func(context.Context, bus.Call) (bus.Result, error) {
		return bus.Result{Stage: bus.AckedNoResponse, State: aState()},
			fault.Errorf(fault.Timeout, "the application did not answer").WithCode("acked_no_response")
	})
	for _, b := range nodes {
		got, err := b.Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Function, Name: "f"})
		if fault.KindOf(err) != fault.Timeout || fault.CodeOf(err) != "acked_no_response" ||
			err.Error() != "the application did not answer" {
			t.Errorf("error %v, kind %v, code %v", err, fault.KindOf(err), fault.CodeOf(err))
		}
		if diff := cmp.Diff(bus.Result{Stage: bus.AckedNoResponse, State: aState()}, got); diff != "" {
			t.Error(diff)
		}
	}
}

func testOffline(t *testing.T, open opener) {
	nodes := open(2)
	g := gatewayOn(t, nodes[0])
	s := device.State{Word: device.Offline, Reason: device.PeerClosed, Since: time.Unix(1790000000, 0).UTC()}
	g.SetState(deviceID(1), s)
	eventually(t, "the other node knows the gateway", func() bool {
		_, err := nodes[1].States(t.Context(), nil)
		return err == nil
	})
	for _, b := range nodes {
		start := time.Now()
		got, err := b.Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Ping, Timeout: time.Minute})
		if fault.KindOf(err) != fault.Offline || fault.CodeOf(err) != "not_connected" {
			t.Errorf("error %v of kind %v", err, fault.KindOf(err))
		}
		if diff := cmp.Diff(bus.Result{Stage: bus.NotConnected, State: s}, got); diff != "" {
			t.Error(diff)
		}
		if took := time.Since(start); took > patience {
			t.Errorf("it took %v", took)
		}
	}
	if n := len(g.Calls()); n != 0 {
		t.Errorf("%d calls went to a gateway that does not hold the device", n)
	}
}

func testUnannounced(t *testing.T, open opener) {
	nodes := open(2)
	g := gatewayOn(t, nodes[0])
	g.SetState(deviceID(1), device.State{Word: device.Online})
	g.Answer(func(context.Context, bus.Call) (bus.Result, error) { return bus.Result{Return: 7}, nil })
	eventually(t, "a call to the device that is there but was not announced", func() bool {
		got, err := nodes[1].Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Ping})
		return err == nil && got.Return == 7
	})
}

// waiting makes the gateway hold its calls until their contexts end; entered
// and left tell.
func waiting(g *Gateway) (entered <-chan bus.Call, left <-chan error) {
	in, out := make(chan bus.Call, 16), make(chan error, 16)
	g.Answer(func(ctx context.Context, c bus.Call) (bus.Result, error) {
		in <- c
		<-ctx.Done()
		out <- context.Cause(ctx)
		return bus.Result{Stage: bus.SentNoAck}, ctx.Err()
	})
	return in, out
}

func testCancel(t *testing.T, open opener) {
	nodes := open(2)
	entered, left := waiting(gatewayOn(t, nodes[0]))
	nodes[0].Holding(deviceID(1))
	for _, b := range nodes {
		eventually(t, "the call arrives", func() bool {
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error, 1)
			go func() {
				_, err := b.Call(ctx, bus.Call{Device: deviceID(1), Kind: bus.Function, Name: "f"})
				failed <- err
			}()
			select {
			case <-entered:
			case <-failed: // the announcement is on its way
				cancel()
				return false
			}
			cancel()
			receive(t, left)
			if err := receive(t, failed); fault.KindOf(err) != fault.Timeout {
				t.Errorf("error %v", err)
			}
			return true
		})
	}
}

func testDeadline(t *testing.T, open opener) {
	nodes, g := pair(t, open)
	_, left := waiting(g)
	for _, b := range nodes {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := b.Call(ctx, bus.Call{Device: deviceID(1), Kind: bus.Function, Name: "f"})
		if fault.KindOf(err) != fault.Timeout {
			t.Errorf("error %v of kind %v", err, fault.KindOf(err))
		}
		receive(t, left)
	}
}

func testNoGateway(t *testing.T, open opener) {
	b := open(1)[0]
	if _, err := b.Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Ping}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("call: error %v", err)
	}
	if _, err := b.States(t.Context(), []device.ID{deviceID(1)}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("states: error %v", err)
	}
}

func testGatewayPanic(t *testing.T, open opener) {
	nodes, g := pair(t, open)
	g.Answer(func(context.Context, bus.Call) (bus.Result, error) { panic("gateway") })
	for _, b := range nodes {
		if _, err := b.Call(t.Context(), bus.Call{Device: deviceID(1), Kind: bus.Ping}); fault.KindOf(err) != fault.Internal {
			t.Errorf("error %v", err)
		}
	}
}

func testOneGateway(t *testing.T, open opener) {
	b := open(1)[0]
	stop, err := b.Serve(new(Gateway))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Serve(new(Gateway)); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a second gateway: error %v", err)
	}
	stop()
	stop, err = b.Serve(new(Gateway))
	if err != nil {
		t.Fatalf("after the first had stopped: %v", err)
	}
	stop()
}
