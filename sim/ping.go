package sim

import "time"

// pinger decides when the device asks "are you there?" and when it takes
// silence for an answer. Its clock starts with every message received, and
// with every ping that it sends; what else the device sends doesn't count.
type pinger struct {
	interval time.Duration // silence after which a ping is due; 0: never
	timeout  time.Duration // silence after a ping that ends the connection
	last     time.Time     // zero: not running
	asked    bool          // a ping was sent and nothing came since
}

// keepAlive is the interval and the deadline of each transport: 15 s and 10 s
// on TCP, 25 s and 30 s on UDP over Wi-Fi and Ethernet. A cellular device
// waits 23 minutes instead of 25 s.
func keepAlive(t Transport) (interval, timeout time.Duration) {
	if t == TCP {
		return 15 * time.Second, 10 * time.Second
	}
	return 25 * time.Second, 30 * time.Second
}

// Cellular is the keep-alive interval of a device on a cellular network.
const Cellular = 23 * time.Minute

// start is called when the connection can carry pings.
func (p *pinger) start(now time.Time) { p.last, p.asked = now, false }

func (p *pinger) stop() { p.last, p.asked = time.Time{}, false }

// heard is called with every message received.
func (p *pinger) heard(now time.Time) {
	if !p.last.IsZero() {
		p.last, p.asked = now, false
	}
}

// deadline returns when tick has something to say; zero when never.
func (p *pinger) deadline() time.Time {
	switch {
	case p.last.IsZero():
	case p.asked:
		return p.last.Add(p.timeout)
	case p.interval > 0:
		return p.last.Add(p.interval)
	}
	return time.Time{}
}

// tick reports whether a ping is to be sent now, or that nobody answered.
func (p *pinger) tick(now time.Time) (ping, dead bool) {
	due := p.deadline()
	if due.IsZero() || now.Before(due) {
		return false, false
	}
	if p.asked {
		return false, true
	}
	p.asked, p.last = true, now
	return true, false
}
