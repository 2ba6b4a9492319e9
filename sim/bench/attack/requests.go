package attack

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// door is where the HTTP API is.
func (a *attacker) door() (string, error) {
	u, err := url.Parse(a.API)
	if err != nil {
		return "", err
	}
	return u.Host, nil
}

// ask opens connections to the HTTP API and says on each what say gives.
// Answered are those that had a status.
func (a *attacker) ask(ctx context.Context, say func(n int) []byte) error {
	at, err := a.door()
	if err != nil {
		return err
	}
	a.Saw = "answers with a status 4xx"
	return a.knock(ctx, at, func(n int, c net.Conn) int {
		_, _ = c.Write(say(n)) // it may be closed before all is taken
		var status [len("HTTP/1.1 4")]byte
		if _, err := io.ReadFull(c, status[:]); err == nil && string(status[:]) == "HTTP/1.1 4" {
			return 1
		}
		return 0
	})
}

// post is a request with a body, of which length says how long it is.
func (a *attacker) post(length int, body []byte) []byte {
	h := fmt.Sprintf("POST /v1/devices/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", a.Token, length)
	return append([]byte(h), body...)
}

func (a *attacker) bigBodies(ctx context.Context) error {
	big := a.post(1<<20, bytes.Repeat([]byte("x"), 1<<20))
	deep := a.post(60_000, bytes.Repeat([]byte(`{"a":`), 12_000))
	return a.ask(ctx, func(n int) []byte {
		if n%2 == 0 {
			return deep
		}
		return big
	})
}

func (a *attacker) bigHeaders(ctx context.Context) error {
	b := []byte("GET /v1/devices HTTP/1.1\r\nHost: a\r\nX-Long: " + strings.Repeat("x", 1<<20) + "\r\n\r\n")
	return a.ask(ctx, func(int) []byte { return b })
}

func (a *attacker) longQueries(ctx context.Context) error {
	query := strings.Repeat("a=b&", 7000)
	return a.ask(ctx, func(n int) []byte {
		return fmt.Appendf(nil, "GET /v1/devices?access_token=%040x&%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", n, query)
	})
}

func (a *attacker) wrongRequests(ctx context.Context) error {
	random := make([]byte, 200)
	rand.Read(random)
	random[100] = '\n' // without the end of a line each would be waited for
	list := [][]byte{
		[]byte("SSH-2.0-OpenSSH_9.9\r\n\r\n"), append([]byte{0x16, 3, 1, 0, 200}, random...), slices.Concat(random, []byte("\r\n\r\n")),
	}
	return a.ask(ctx, func(n int) []byte { return list[n%len(list)] })
}

// slowBodies opens all its connections, and says a byte on each now and then:
// of a header on one half, of a body on the other.
func (a *attacker) slowBodies(ctx context.Context) error {
	at, err := a.door()
	if err != nil {
		return err
	}
	var open []net.Conn
	for a.more(ctx) {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", at)
		if err != nil {
			continue
		}
		open = append(open, c)
		first := []byte("GET /v1/devices HTTP/1.1\r\nX-Slow: ")
		if a.Sent%2 == 0 {
			first = a.post(1000, nil)
		}
		_, _ = c.Write(first)
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for time.Now().Before(a.end) && ctx.Err() == nil {
		for _, c := range open {
			_, _ = c.Write([]byte{'x'})
		}
		<-tick.C
	}
	for _, c := range open {
		_ = c.Close()
	}
	a.Answered, a.Saw = len(open), "connections were open at once"
	return nil
}
