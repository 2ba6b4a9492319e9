package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench/crowd"
)

// Handshake measures what a handshake costs the cloud, against the cryptography
// in it.
type Handshake struct {
	TCP   bool // RSA handshakes on TCP; false: DTLS
	Count int  // handshakes; 0: 4,000 on DTLS, 200 on TCP
	// Together is how many are under way at once; 0: 256 on DTLS, as when devices
	// come back after an outage, and 8 on TCP.
	Together int
	Profile  string // file for a profile of the cloud's processor time; empty: none
	Say      Progress
}

// HandshakeResult is what one handshake costs, in microseconds of processor
// time.
type HandshakeResult struct {
	Run
	Transport  string  `json:"transport"`
	Handshakes int     `json:"handshakes"`
	Failures   int     `json:"failures"`
	ServerCPU  float64 `json:"server_cpu_us"` // of the cloud's process, persistence included
	CryptoCPU  float64 `json:"crypto_cpu_us"` // of the list of operations
	Ratio      float64 `json:"ratio"`
	PerCore    float64 `json:"per_core_per_s"`
	PerSecond  float64 `json:"per_s"` // as time passed, with the devices on the same machine
}

// Rows are the figures for people.
func (r *HandshakeResult) Rows() []Row {
	return []Row{
		{"handshakes", fmt.Sprintf("%d on %s, %d failures", r.Handshakes, r.Transport, r.Failures), ""},
		{"server", fmt.Sprintf("%.0f µs", r.ServerCPU), "processor time of the cloud for one, persistence included"},
		{"cryptography", fmt.Sprintf("%.0f µs", r.CryptoCPU), "processor time of its operations, in the same minute"},
		{"ratio", fmt.Sprintf("%.2f", r.Ratio), ""},
		{"per core", fmt.Sprintf("%.0f/s", r.PerCore), fmt.Sprintf("%.0f/s passed, devices included", r.PerSecond)},
	}
}

// shakeRound is how many handshakes with DTLS one round has.
const shakeRound = 500

// shaker performs rounds of handshakes.
type shaker interface {
	// round performs n handshakes, and gives how many succeeded.
	round(ctx context.Context, n int) (int, error)
	// settle ends what the last round began, so that nothing is left undone in
	// the cloud. It is not measured.
	settle(ctx context.Context) error
	operations() ([]operation, error)
	close() error
}

// Run runs the benchmark against a cloud that nobody else uses.
func (b Handshake) Run(ctx context.Context, s *Server) (*HandshakeResult, error) {
	count, together := 4000, 256
	if b.TCP {
		count, together = 200, 8
	}
	b.Count, b.Together = cmp.Or(b.Count, count), cmp.Or(b.Together, together)
	p, err := login(ctx, s)
	if err != nil {
		return nil, err
	}
	prepare := b.overUDP
	if b.TCP {
		prepare = b.overTCP
	}
	shaker, err := prepare(ctx, s, p)
	if err != nil {
		return nil, err
	}
	r, err := b.measure(ctx, s, shaker)
	if err = errors.Join(err, shaker.close()); err != nil {
		return nil, err
	}
	return r, nil
}

// measure takes turns: a round of handshakes, a round of operations.
func (b Handshake) measure(ctx context.Context, s *Server, by shaker) (*HandshakeResult, error) {
	list, err := by.operations()
	if err != nil {
		return nil, err
	}
	r := &HandshakeResult{Transport: "dtls"}
	if b.TCP {
		r.Transport = "tcp"
	}
	var server, crypto, passed time.Duration
	end, err := s.Profile(b.Profile)
	if err != nil {
		return nil, err
	}
	said, rounds := time.Now(), 0
	for done := 0; done < b.Count; rounds++ {
		n := min(b.atOnce(), b.Count-done)
		before, err := s.Usage()
		if err != nil {
			return nil, err
		}
		began := time.Now()
		good, err := by.round(ctx, n)
		if err != nil {
			return nil, err
		}
		passed += time.Since(began)
		after, err := s.Usage()
		if err != nil {
			return nil, err
		}
		server += after.CPU - before.CPU
		done, r.Handshakes, r.Failures = done+n, r.Handshakes+good, r.Failures+n-good
		if err := by.settle(ctx); err != nil {
			return nil, err
		}
		each, err := perform(list, n)
		if err != nil {
			return nil, err
		}
		crypto += each
		if time.Since(said) > 2*time.Second {
			said = time.Now()
			b.Say("handshakes: %d of %d", done, b.Count)
		}
	}
	if err := end(); err != nil {
		return nil, err
	}
	r.ServerCPU = tenth(per(server, r.Handshakes) / 1e3)
	r.CryptoCPU = tenth(per(crypto, rounds) / 1e3)
	r.Ratio = hundredth(r.ServerCPU / r.CryptoCPU)
	r.PerCore, r.PerSecond = tenth(1e6/r.ServerCPU), tenth(rate(r.Handshakes, passed))
	r.Run = Ran("handshake", b.describe(list))
	return r, nil
}

// atOnce is how many handshakes one round has. A device on TCP shakes hands
// once a round.
func (b Handshake) atOnce() int {
	if b.TCP {
		return tcpDevices
	}
	return shakeRound
}

func (b Handshake) describe(list []operation) string {
	text := fmt.Sprintf("full handshakes with %d distinct devices, %d at once, from the ClientHello to the server's Finished, "+
		"keys looked up and sessions made durable in SQLite", b.Count, b.Together)
	if b.TCP {
		text = fmt.Sprintf("full handshakes, %d at once, with %d devices in turn, from the connection to the signed reply; "+
			"what a device says after it is not counted", b.Together, tcpDevices)
	}
	text += fmt.Sprintf("; in turns of %d with the operations, which are performed on two threads at once: ", b.atOnce())
	for i, o := range list {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%d × %s", o.times, o.name)
	}
	return text
}

// crowdShaker performs DTLS handshakes.
type crowdShaker struct {
	crowd    *crowd.Crowd
	together int
	stop     context.CancelFunc
	next     int
	last     int // where the last round began
}

func (b Handshake) overUDP(ctx context.Context, s *Server, p *person) (shaker, error) {
	who := newIdentities()
	b.Say("registering %d devices", b.Count)
	if err := p.provisionAll(ctx, &who, upTo(b.Count), b.Say); err != nil {
		return nil, err
	}
	c, err := newCrowd(s, who, b.Count, 0)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	c.Start(ctx)
	return &crowdShaker{crowd: c, together: b.Together, stop: cancel}, nil
}

// upTo gives 0 … n−1.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func (c *crowdShaker) round(ctx context.Context, n int) (int, error) {
	c.last = c.next
	c.next += n
	return c.crowd.Bring(ctx, c.last, c.next, crowd.Shaken, c.together, nil)
}

func (c *crowdShaker) settle(ctx context.Context) error {
	_, err := c.crowd.Bring(ctx, c.last, c.next, crowd.Greeted, c.together, nil)
	return err
}

func (c *crowdShaker) operations() ([]operation, error) { return dtlsOperations() }

func (c *crowdShaker) close() error {
	c.stop()
	return c.crowd.Wait()
}
