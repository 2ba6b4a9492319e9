package load_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/live"
	"github.com/cyan-cloud/cyan/sim/load"
	"github.com/cyan-cloud/cyan/sim/simtest"
)

// Twenty devices of both transports connect; the last totals say so.
func TestManyConnect(t *testing.T) {
	const count = 20
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	got, err := load.Run(ctx, load.Config{
		Count: count,
		Ramp:  50 * time.Millisecond,
		Device: func(i int) (live.Config, error) {
			transport := sim.Transport(i % 2)
			return live.Config{
				Device: simtest.Config(t, transport, "os-2.3"),
				Server: simtest.Serve(t, transport).Addr,
			}, nil
		},
		Every: 10 * time.Millisecond,
		Report: func(totals load.Totals) {
			if totals.Connected == count {
				cancel()
			}
		},
	})
	want := load.Totals{Devices: count, Connected: count, Connects: count, Handshakes: count}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("totals (-want +got):\n%s%v", diff, err)
	}
}

// Devices that fail are counted, each try; here each has one.
func TestFailuresAreCounted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	got, err := load.Run(ctx, load.Config{
		Count: 3,
		Device: func(int) (live.Config, error) {
			cfg := live.Config{Device: simtest.Config(t, sim.TCP, "os-2.3"), Server: simtest.Serve(t, sim.TCP).Addr}
			cfg.Device.Behaviour = sim.WrongServerKey
			var tried atomic.Bool
			cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if tried.Swap(true) {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return new(net.Dialer).DialContext(ctx, network, address)
			}
			return cfg, nil
		},
		Every: 5 * time.Millisecond,
		Report: func(totals load.Totals) {
			if totals.Failures == 3 {
				cancel()
			}
		},
	})
	if got.Failures != 3 || got.Connects != 0 || err != nil {
		t.Errorf("totals %+v, %v", got, err)
	}
}

func TestDeviceThatCannotBe(t *testing.T) {
	broken := errors.New("no such device")
	_, err := load.Run(t.Context(), load.Config{
		Count:  2,
		Device: func(int) (live.Config, error) { return live.Config{}, broken },
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := load.Run(t.Context(), load.Config{Count: 1}); err == nil {
		t.Error("devices from nowhere")
	}
}
