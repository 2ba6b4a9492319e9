package bustest

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
)

// patience is how long a test waits for what has to happen.
const patience = 10 * time.Second

// Run checks the buses that open gives: n nodes of one bus, which the test
// closes.
func Run(t *testing.T, open func(t *testing.T, n int) []*bus.Bus) {
	for name, test := range map[string]func(*testing.T, opener){
		"events reach every node in order":            testEventsInOrder,
		"an event arrives as it was published":        testEventContent,
		"a cancelled subscriber hears no more":        testUnsubscribe,
		"a subscriber that panics harms nobody":       testSubscriberPanic,
		"a call reaches the node with the device":     testCallReachesHolder,
		"values cross as they are":                    testValues,
		"an error crosses with state and stage":       testErrorCrosses,
		"an offline device fails at once":             testOffline,
		"a call finds a device not yet announced":     testUnannounced,
		"a caller that goes cancels its call":         testCancel,
		"a call ends when its time is over":           testDeadline,
		"no gateway is not the same as offline":       testNoGateway,
		"a gateway that panics answers":               testGatewayPanic,
		"a gateway that stops frees its callers":      testStop,
		"a device belongs to the node that said last": testMove,
		"a node that comes late learns who is where":  testLateNode,
		"states come from the nodes":                  testStates,
		"a change reaches every gateway":              testChanged,
		"a revocation reaches every door":             testRevoked,
		"a node has one gateway":                      testOneGateway,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, func(n int) []*bus.Bus {
				nodes := open(t, n)
				for _, b := range nodes {
					t.Cleanup(func() { b.Close() })
				}
				return nodes
			})
		})
	}
}

type opener func(n int) []*bus.Bus

// gatewayOn makes the node a gateway that is always answered by fn.
func gatewayOn(t *testing.T, b *bus.Bus) *Gateway {
	t.Helper()
	g := new(Gateway)
	stop, err := b.Serve(g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return g
}

// deviceID makes a device's id that ends in n.
func deviceID(n byte) device.ID { return device.ID{0xe0, 0x0f, 0xce, 0x68, 11: n} }

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(limit) {
			t.Fatalf("it never happened: %s", what)
		}
	}
}

// receive takes the next value.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
