package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// maxMessage is the longest message that the embedded server takes, which is
// NATS's own default: clusters have it, too.
const maxMessage = 1 << 20

// startEmbedded starts a NATS server that lives in this process and listens
// on nothing.
func startEmbedded(ctx context.Context, name string) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName:    name,
		DontListen:    true,
		NoLog:         true,
		NoSigs:        true,
		MaxPayload:    maxMessage,
		MaxPending:    64 << 20,
		WriteDeadline: 10 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	go s.Start() // returns once the server is set up; Shutdown ends what it started
	for !s.ReadyForConnections(50 * time.Millisecond) {
		if ctx.Err() != nil {
			s.Shutdown()
			return nil, errors.Join(errors.New("embedded server did not start"), ctx.Err())
		}
	}
	return s, nil
}
