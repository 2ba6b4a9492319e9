package gateway_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/gateway"
	"github.com/cyan-cloud/cyan/sim"
)

// TestSockets connects devices by every way there is, calls them, and has
// events go both ways. A device's socket takes answers only from the address
// that it wrote to.
func TestSockets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		listen  []string
		connect []string
	}{
		"IPv4":       {[]string{"127.0.0.1:0"}, []string{"127.0.0.1"}},
		"IPv6":       {[]string{"[::1]:0"}, []string{"::1"}},
		"both":       {[]string{"127.0.0.1:0", "[::1]:0"}, []string{"127.0.0.1", "::1"}},
		"wildcard":   {[]string{":0"}, []string{"127.0.0.1", "127.0.0.2", "::1"}},
		"wildcards":  {[]string{"0.0.0.0:0"}, []string{"127.0.0.3"}},
		"wildcard 6": {[]string{"[::]:0"}, []string{"::1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, func(cfg *gateway.Config) {
				cfg.UDP, cfg.TCP = append([]string(nil), c.listen...), append([]string(nil), c.listen...)
			})
			udp, tcp := w.gateway.Addrs()
			for i, host := range c.connect {
				at := min(i, len(udp)-1)
				for transport, port := range map[sim.Transport]uint16{sim.UDP: udp[at].Port(), sim.TCP: tcp[at].Port()} {
					w.works(w.device(transport, net.JoinHostPort(host, fmt.Sprint(port)), nil).on())
				}
			}
			if connected, limbo := w.gateway.Count(); connected != 2*len(c.connect) || limbo != 0 {
				t.Errorf("%d devices are connected, %d in limbo; want %d and 0", connected, limbo, 2*len(c.connect))
			}
		})
	}
}

// TestBadAddresses are those that a gateway does not start with.
func TestBadAddresses(t *testing.T) {
	t.Parallel()
	c := start(t, nil)
	for _, udp := range [][]string{
		{"nonsense"},
		{"127.0.0.1:99999"},
		{c.cfg.UDP[0]}, // taken
		{"127.0.0.1:0", "127.0.0.1:0"},
		{":0", "127.0.0.1:0"},
		{"[::]:0", "[::1]:0"},
	} {
		cfg := c.cfg
		cfg.UDP, cfg.TCP, cfg.Registerer = udp, nil, nil
		if g, err := gateway.Start(t.Context(), cfg); err == nil {
			g.Stop()
			t.Errorf("a gateway listens on %q", udp)
		}
	}
	c.works(c.device(sim.UDP, c.cfg.UDP[0], nil).on())
}
