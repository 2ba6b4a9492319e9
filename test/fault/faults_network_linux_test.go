package fault

import "time"

// withConnectionIDs are the devices that are known by more than their address.
func withConnectionIDs(m *member) bool { return m.kind == "os-6.2 udp" }

// networkRows are faults between devices and the cloud.
func networkRows() []row {
	return []row{
		{name: "NAT rebinding", how: "relay: another outside port for every device over UDP", quiet: withConnectionIDs, run: func(w *world) {
			w.udp.Rebind()
		}},
		{name: "half-open TCP", how: "relay: forgets every connection, and swallows FIN and RST", run: func(w *world) {
			w.tcp.HalfOpen()
		}},
		{name: "TCP reset", how: "relay: RST to both sides of every connection", fast: true, run: func(w *world) {
			w.tcp.Reset()
		}},
		{name: "one way cut", how: "relay: nothing reaches devices for 60 s, what they send arrives", run: func(w *world) {
			w.weather(Weather{}, Weather{Cut: true}, time.Minute)
		}},
		{name: "other way cut", how: "relay: nothing of the devices arrives for 60 s", run: func(w *world) {
			w.weather(Weather{Cut: true}, Weather{}, time.Minute)
		}},
		{name: "network gone", how: "relay: nothing passes for 90 s", run: func(w *world) {
			w.weather(Weather{Cut: true}, Weather{Cut: true}, 90*time.Second)
		}},
		{name: "30 % loss", how: "relay: both ways, for 60 s", run: func(w *world) {
			lossy := Weather{Loss: 0.3}
			w.weather(lossy, lossy, time.Minute)
		}},
		{name: "delay, reordering, doubles, flipped bits", how: "relay: 350–650 ms, 25 %, 5 %, 1 %, both ways, for 40 s", run: func(w *world) {
			bad := Weather{Delay: 350 * time.Millisecond, Jitter: 300 * time.Millisecond, Reorder: 0.25, Duplicate: 0.05, Corrupt: 0.01}
			w.weather(bad, bad, 40*time.Second)
		}},
		{name: "narrow line", how: "relay: 64 kbit/s for all, for 30 s", run: func(w *world) {
			narrow := Weather{Bandwidth: 8000}
			w.weather(narrow, narrow, 30*time.Second)
		}},
	}
}

// weather lets it be bad for a while.
func (w *world) weather(up, down Weather, d time.Duration) {
	w.udp.Set(up, down)
	w.tcp.Set(up, down)
	w.pause(d)
	w.udp.Set(Weather{}, Weather{})
	w.tcp.Set(Weather{}, Weather{})
}
