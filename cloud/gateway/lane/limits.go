package lane

// Limits bound what strangers and devices can take of a gateway. Zero is the
// default that stands beside each; negative, where that is said, is no bound.
type Limits struct {
	HelloRate  int // hellos of strangers a second that each lane answers with a cookie; 0: 4,096, negative: no bound
	HalfOpen   int // handshakes on UDP that have not ended; 0: 8,192
	Streams    int // TCP connections; 0: 16,384
	Unproven   int // sessions whose key is on no file, until Hello; 0: 1,024
	PerSource  int // handshakes on UDP and TCP that have not ended, from one address or /64 of IPv6; 0: 1,024, negative: no bound
	Failures   int // handshakes a minute from one address that fail and are laid at the peer; 0: 600, negative: no bound
	DeviceRate int // messages a second that a device may send by itself, ten seconds' worth at once; 0: 100, negative: no bound
}

// WithDefaults fills in what was left zero.
func (l Limits) WithDefaults() Limits {
	for at, standard := range map[*int]int{
		&l.HalfOpen: 8192, &l.Streams: 16384, &l.Unproven: 1024, &l.PerSource: 1024, &l.Failures: 600, &l.DeviceRate: 100, &l.HelloRate: 4096,
	} {
		if *at == 0 {
			*at = standard
		}
	}
	return l
}

// Divide gives one of so many lanes its share. A device's connections and those
// of one address come to all of them alike.
func (l Limits) Divide(cfg *Config, lanes int) {
	l = l.WithDefaults()
	share := func(n int) int {
		if n < 0 {
			return n
		}
		return max(1, (n+lanes-1)/lanes)
	}
	cfg.HalfOpen, cfg.Streams, cfg.Unproven = share(l.HalfOpen), share(l.Streams), share(l.Unproven)
	cfg.PerSource, cfg.Failures, cfg.DeviceRate, cfg.HelloRate = share(l.PerSource), share(l.Failures), l.DeviceRate, l.HelloRate
}
