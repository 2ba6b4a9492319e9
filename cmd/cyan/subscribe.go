package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// hearing is what a subscribe was asked for.
type hearing struct {
	client.Subscription
	most  int
	until string
}

func (c *cli) subscribeVerb() *cobra.Command {
	var h hearing
	cmd := &cobra.Command{
		Use: "subscribe [PREFIX] [mine | DEVICE]", Short: "Hear events as they happen",
		Args: takes(0, 3, "[PREFIX] [mine | DEVICE]"),
		Long: `Prints the events of all your devices, one JSON object a line, until it is
interrupted. PREFIX hears only events whose names begin with it. "mine" means all
your devices, which is what you get anyway, wherever it stands. --all hears
everybody's public events too and needs a PREFIX.

A stream that is silent says on standard error that it is alive, how many devices
could speak, and when the last event was. A broken one says so and is opened
again by itself; where the cloud keeps a history, it goes on where it broke.`,
		Example: `  cyan subscribe mine
  cyan subscribe temps mine
  cyan subscribe temps oven
  cyan subscribe temps --device oven --max 1 | jq -r .data
  cyan subscribe oven/state --until ready
  cyan subscribe weather/ --all
  cyan subscribe mine | grep temps | head -1`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := h.words(args); err != nil {
				return err
			}
			if cmd.Flags().Changed("until") && h.until == "" {
				return misuse("--until needs the data that ends it", "cyan subscribe oven/state --until ready")
			}
			remote, err := c.remote()
			if err != nil {
				return err
			}
			ctx, cancel := c.whileRead(cmd.Context())
			defer cancel()
			return c.listen(ctx, remote, h)
		},
	}
	cmd.Flags().StringVar(&h.Device, "device", "", "only of this device, by `id or name`")
	cmd.Flags().BoolVar(&h.All, "all", false, "everybody's public events too")
	cmd.Flags().IntVar(&h.most, "max", 0, "end after this many (default never)")
	cmd.Flags().StringVar(&h.until, "until", "", "end with the first event that has this `data`")
	c.targetFlags(cmd)
	return cmd
}

// words reads both grammars of the verb: a prefix and then a device or "mine",
// as it was, and the prefix alone beside flags, as it is.
func (h *hearing) words(args []string) error {
	words := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return strings.EqualFold(a, "mine") })
	if len(words) > 0 {
		h.Prefix = words[0]
	}
	switch {
	case len(words) > 1 && h.Device != "" && h.Device != words[1]:
		return misuse("two devices: "+words[1]+" and --device "+h.Device, "events are heard of one device, or of all")
	case len(words) > 1:
		h.Device = words[1]
	}
	switch {
	case len(words) > 2:
		return misuse("cyan subscribe takes [PREFIX] [mine | DEVICE]", "cyan subscribe --help")
	case h.All && h.Prefix == "":
		return misuse("--all needs a PREFIX: the events of everybody are too many", "cyan subscribe weather/ --all")
	case h.All && h.Device != "":
		return misuse("--all is for everybody's events, and --device for one device's")
	}
	return nil
}

// listen prints events until it is interrupted, has printed enough, or nobody
// reads any more.
func (c *cli) listen(ctx context.Context, remote *client.Client, h hearing) error {
	ctx, cancel := context.WithCancel(ctx)
	var reassuring sync.WaitGroup
	defer reassuring.Wait()
	defer cancel()
	h.Opened = func(about rest.Header) { c.say("%s", listening(about)) }
	h.Resume = true
	h.Broken = func(err error, wait time.Duration, resumes bool) {
		until := "events until then are not heard"
		if resumes {
			until = "it goes on where it broke"
		}
		c.say("warning: the stream is dead: %s; opening it again in %s, %s", diagnose(err).text, wait.Round(100*time.Millisecond), until)
	}
	h.Gap = func(gap rest.StreamGap) { c.say("warning: events are missing: %s", gap.Message) }
	stream, err := remote.Subscribe(ctx, h.Subscription)
	if err != nil {
		return err
	}
	defer stream.Close()
	w := &wake{heard: stream.Heard, online: func() string { return c.online(ctx, remote, h.Device) }}
	w.event(time.Now())
	w.none.Store(true)
	reassuring.Go(func() { c.reassure(ctx, w) })
	for n := 0; h.most == 0 || n < h.most; n++ {
		e, err := stream.Next() //nolint:contextcheck // the stream has it
		if ctx.Err() != nil {
			return nil
		} else if err != nil {
			return err
		}
		w.event(time.Now())
		if err := c.emit(lineOfEvent(e)); err != nil {
			return err
		}
		if h.until != "" && e.Data != nil && *e.Data == h.until {
			c.say("that was the event waited for")
			return nil
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

// online says how many devices could speak on a stream.
func (c *cli) online(ctx context.Context, remote *client.Client, device string) string {
	ctx, cancel := context.WithTimeout(ctx, doubtAfter)
	defer cancel()
	if device != "" {
		d, err := remote.Device(ctx, device)
		if err != nil {
			return "the cloud does not say whether " + device + " is online: " + diagnose(err).text
		}
		return device + " is " + c.stateOf(d)
	}
	devices, err := remote.Devices(ctx)
	if err != nil {
		return "the cloud does not say which devices are online: " + diagnose(err).text
	}
	n := 0
	for _, d := range devices {
		if d.Online {
			n++
		}
	}
	return fmt.Sprintf("%d of your %d devices online", n, len(devices))
}
