package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// eventLine is an event as a line of output.
type eventLine struct {
	Name        string    `json:"name"`
	Data        *string   `json:"data"` // null: the event has none
	TTL         int       `json:"ttl"`  // seconds
	PublishedAt rest.Time `json:"published_at"`
	CoreID      string    `json:"coreid"` // the device's id, or api
}

func lineOfEvent(e client.Event) eventLine {
	return eventLine{e.Name, e.Data, e.TTL, e.PublishedAt, e.CoreID}
}

func (c *cli) subscribeVerb() *cobra.Command {
	var s client.Subscription
	var most int
	cmd := &cobra.Command{
		Use: "subscribe [PREFIX | mine] [DEVICE]", Short: "Hear events as they happen",
		Args: takes(0, 3, "[PREFIX | mine] [DEVICE]"),
		Long: `Prints the events of all your devices, one JSON object a line, until it is
interrupted. PREFIX hears only events whose names begin with it; "mine" means all
your devices, which is what you get anyway. --all hears everybody's public events
too and needs a PREFIX. A stream that is silent says on standard error that it is
alive; a broken one is opened again, and says so.`,
		Example: `  cyan subscribe mine
  cyan subscribe temps --device oven --max 1 | jq -r .data
  cyan subscribe weather/ --all`,
		RunE: func(cmd *cobra.Command, args []string) error {
			words := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "mine" })
			if len(words) > 0 {
				s.Prefix = words[0]
			}
			if len(words) > 1 {
				s.Device = words[1]
			}
			if s.All && s.Prefix == "" {
				return misuse("--all needs a PREFIX: the events of everybody are too many", "cyan subscribe weather/ --all")
			}
			if s.All && s.Device != "" {
				return misuse("--all is for everybody's events, and --device for one device's")
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			return c.listen(cmd.Context(), remote, s, most)
		},
	}
	cmd.Flags().StringVar(&s.Device, "device", "", "only of this device, by `id or name`")
	cmd.Flags().BoolVar(&s.All, "all", false, "everybody's public events too")
	cmd.Flags().IntVar(&most, "max", 0, "end after this many `events` (default never)")
	c.targetFlags(cmd)
	return cmd
}

// listen prints events until it is interrupted, or has printed enough.
func (c *cli) listen(ctx context.Context, remote *client.Client, s client.Subscription, most int) error {
	ctx, cancel := context.WithCancel(ctx)
	var reassuring sync.WaitGroup
	defer reassuring.Wait()
	defer cancel()
	s.Opened = func(h rest.Header) { c.say("%s", listening(h)) }
	s.Broken = func(err error, wait time.Duration) {
		c.say("warning: the stream is broken: %s; opening it again in %s, events until then are not heard", diagnose(err).text, wait.Round(100*time.Millisecond))
	}
	stream, err := remote.Subscribe(ctx, s)
	if err != nil {
		return err
	}
	defer stream.Close()
	var last atomic.Int64 // when the last event came, in Unix milliseconds
	last.Store(time.Now().UnixMilli())
	reassuring.Go(func() { c.reassure(ctx, stream.Heard, &last) })
	for n := 0; most == 0 || n < most; n++ {
		e, err := stream.Next() //nolint:contextcheck // the stream has it
		if ctx.Err() != nil {
			return nil
		} else if err != nil {
			return err
		}
		last.Store(time.Now().UnixMilli())
		if err := c.emit(lineOfEvent(e)); err != nil {
			return err
		}
	}
	return nil
}

// listening says what a stream carries.
func listening(h rest.Header) string {
	whose := map[string]string{
		rest.ScopeMine: "the events of all your devices", rest.ScopeDevice: "the events of device " + h.Device,
		rest.ScopeAll: "your events and everybody's public ones",
	}[h.Scope]
	if h.Prefix != "" {
		whose += " that begin with " + h.Prefix
	}
	return strings.TrimSpace("listening to " + whose)
}

// After which silence a person begins to doubt, and how often they want to
// hear the same again.
const (
	doubtAfter = 10 * time.Second
	doubtAgain = time.Minute
)

// reassure says when there were no events for a while although the stream is
// alive, until ctx is done. heard tells when the last byte came, last has when
// the last event did.
func (c *cli) reassure(ctx context.Context, heard func() time.Time, last *atomic.Int64) {
	wait := doubtAfter
	for {
		event := last.Load()
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		now := time.Now()
		quiet := now.Sub(time.UnixMilli(last.Load()))
		switch ago := now.Sub(heard()); {
		case last.Load() != event || quiet < doubtAfter:
			wait = max(doubtAfter-quiet, time.Millisecond)
		case ago < doubtAfter:
			c.say("no event for %s; the stream is alive, the cloud was heard %.0f s ago", quiet.Round(time.Second), ago.Seconds())
			wait = doubtAgain
		default:
			wait = time.Second
		}
	}
}
