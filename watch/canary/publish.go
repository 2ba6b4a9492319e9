package canary

import (
	"context"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// publish is a program that publishes an event, and another that hears it.
func (t *trial) publish(ctx context.Context) {
	name := "canary/publish/" + t.nonce[:8]
	var events *client.Stream
	t.walk(ctx,
		step{signal.StepAsk, func(ctx context.Context) error {
			_, err := t.api.CurrentToken(ctx)
			return err
		}},
		step{signal.StepStream, func(ctx context.Context) (err error) {
			events, err = t.listen(ctx, name)
			return err
		}},
		step{signal.StepPublish, func(ctx context.Context) error {
			return t.api.Publish(ctx, rest.Publish{Name: name, Data: &t.nonce})
		}},
		step{signal.StepEventOut, func(context.Context) error { return t.hear(events) }}, //nolint:contextcheck // the stream has its own
	)
}
