package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench/crowd"
)

// stage is a cloud with connected devices and somebody who is logged in.
type stage struct {
	person *person
	crowd  *crowd.Crowd
	stop   context.CancelFunc
}

// setUp registers n devices and connects them.
func setUp(ctx context.Context, s *Server, n int, say Progress) (*stage, error) {
	p, err := login(ctx, s)
	if err != nil {
		return nil, err
	}
	who := newIdentities()
	say("registering %d devices", n)
	if err := p.provisionAll(ctx, &who, upTo(n), say); err != nil {
		return nil, err
	}
	c, err := newCrowd(s, who, n, keepAlive)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	c.Start(running)
	st := &stage{person: p, crowd: c, stop: cancel}
	say("connecting %d devices", n)
	if err := c.BringAll(ctx, crowd.Settled, connectTogether, func(n int) { say("connected: %d", n) }); err != nil {
		return nil, errors.Join(err, st.tearDown())
	}
	return st, nil
}

// connectTogether is how many devices connect at once, keepAlive how often they
// ping: every 25 s, as Device OS on UDP does.
const (
	connectTogether = 128
	keepAlive       = 25 * time.Second
)

func (st *stage) tearDown() error {
	st.stop()
	return st.crowd.Wait()
}

// newIdentities makes keys that nobody has had before.
func newIdentities() (who crowd.Identities) {
	rand.Read(who.Seed[:])
	return who
}

// newCrowd makes a crowd that connects to the cloud.
func newCrowd(s *Server, who crowd.Identities, n int, keepAlive time.Duration) (*crowd.Crowd, error) {
	return crowd.New(crowd.Config{Server: s.UDP, ServerKey: s.KeyUDP, Who: who, Count: n, KeepAlive: keepAlive})
}
