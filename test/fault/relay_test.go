package fault

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// cloudUDP is what stands behind a relay: it gives what arrives, and from
// where, and sends it back.
func cloudUDP(t *testing.T) (addr string, arrived chan string, from chan string) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	arrived, from = make(chan string, 2000), make(chan string, 2000)
	go func() { // until the socket is closed
		b := make([]byte, 1500)
		for {
			n, peer, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			arrived <- string(b[:n])
			from <- peer.String()
			_, _ = conn.WriteToUDPAddrPort(b[:n], peer)
		}
	}()
	return conn.LocalAddr().String(), arrived, from
}

func relayUDP(t *testing.T, to string) (*UDP, net.Conn) {
	t.Helper()
	u, err := NewUDP(to, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	device, err := net.Dial("udp4", u.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	return u, device
}

func TestUDPPassesAndRebinds(t *testing.T) {
	t.Parallel()
	addr, arrived, from := cloudUDP(t)
	u, device := relayUDP(t, addr)
	var outside []string
	for i := range 3 {
		if i == 2 {
			u.Rebind()
		}
		fmt.Fprint(device, "ping", i)
		if got := <-arrived; got != fmt.Sprint("ping", i) {
			t.Errorf("%q arrived", got)
		}
		outside = append(outside, <-from)
		b := make([]byte, 100)
		if n, err := device.Read(b); err != nil || string(b[:n]) != fmt.Sprint("ping", i) {
			t.Errorf("back came %q, %v", b[:n], err)
		}
	}
	if outside[0] != outside[1] || outside[1] == outside[2] {
		t.Errorf("the device was seen at %v", outside)
	}
}

// TestUDPOneWay cuts the way back, and, for another device, the way there: what
// is still under way in one weather does not come through in the next.
func TestUDPOneWay(t *testing.T) {
	t.Parallel()
	addr, arrived, _ := cloudUDP(t)
	b := make([]byte, 100)
	back, device := relayUDP(t, addr)
	back.Set(Weather{}, Weather{Cut: true})
	fmt.Fprint(device, "lost on the way back")
	<-arrived
	_ = device.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if n, err := device.Read(b); err == nil {
		t.Errorf("%q came through", b[:n])
	}
	there, device := relayUDP(t, addr)
	there.Set(Weather{Cut: true}, Weather{})
	fmt.Fprint(device, "lost on the way")
	_ = device.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if n, err := device.Read(b); err == nil || len(arrived) > 0 {
		t.Errorf("%q came through", b[:n])
	}
}

// TestWeather holds that chance happens as often as it should, and the same
// way for one seed.
func TestWeather(t *testing.T) {
	t.Parallel()
	const many = 10_000
	w := Weather{Loss: 0.3, Duplicate: 0.1, Corrupt: 0.05, Reorder: 0.2, Jitter: time.Millisecond}
	course := func(seed uint64) (fates []string, lost, twice, bent int) {
		s := newSky(seed)
		s.Set(w, Weather{})
		for range many {
			f := s.cast(true, 100)
			fates = append(fates, fmt.Sprint(f))
			switch len(f.after) {
			case 0:
				lost++
			case 2:
				twice++
			}
			if f.flip >= 0 {
				bent++
			}
		}
		return fates, lost, twice, bent
	}
	fates, lost, twice, bent := course(1)
	for what, x := range map[string][2]float64{"lost": {float64(lost), 0.3}, "twice": {float64(twice), 0.07}, "bent": {float64(bent), 0.035}} {
		if share := x[0] / many; share < x[1]*0.8 || share > x[1]*1.2 {
			t.Errorf("%s: %v of all, want about %v", what, share, x[1])
		}
	}
	again, _, _, _ := course(1)
	other, _, _, _ := course(2)
	if !slices.Equal(fates, again) || slices.Equal(fates, other) {
		t.Error("chance does not come from the seed")
	}
}

// pipeTCP is a device's connection through a relay, and the cloud's end of it.
func pipeTCP(t *testing.T) (r *TCP, device, cloud net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if r, err = NewTCP(l.Addr().String(), 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	if device, err = net.Dial("tcp4", r.Addr()); err != nil {
		t.Fatal(err)
	}
	if cloud, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close(); cloud.Close() })
	return r, device, cloud
}

// TestTCPKeepsOrder holds that a stream is complete and in order in bad
// weather, and that its end comes last.
func TestTCPKeepsOrder(t *testing.T) {
	t.Parallel()
	r, device, cloud := pipeTCP(t)
	r.Set(Weather{Loss: 0.05, Delay: 5 * time.Millisecond, Jitter: 20 * time.Millisecond, Corrupt: 0.05, Bandwidth: 100_000}, Weather{})
	var want strings.Builder
	for i := range 200 {
		fmt.Fprintf(&want, "part %d, ", i)
		fmt.Fprintf(device, "part %d, ", i)
	}
	device.Close()
	if got, err := io.ReadAll(cloud); err != nil || string(got) != want.String() {
		t.Errorf("%d bytes of %d arrived, %v", len(got), want.Len(), err)
	}
}

// TestTCPHalfOpen holds that neither end hears of the other's end, nor
// anything else.
func TestTCPHalfOpen(t *testing.T) {
	t.Parallel()
	r, device, cloud := pipeTCP(t)
	fmt.Fprint(device, "before")
	b := make([]byte, 100)
	if n, err := io.ReadFull(cloud, b[:6]); err != nil || string(b[:n]) != "before" {
		t.Fatal(string(b[:n]), err)
	}
	r.HalfOpen()
	fmt.Fprint(device, "after")
	device.Close()
	_ = cloud.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if n, err := cloud.Read(b); n > 0 || err == nil || err == io.EOF {
		t.Errorf("the cloud got %q, %v", b[:n], err)
	}
	r.Reset()
	_ = cloud.SetReadDeadline(time.Time{})
	if _, err := cloud.Read(b); err == nil {
		t.Error("a reset was not heard")
	}
}
