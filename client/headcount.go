package client

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// Headcounts tells how many of the caller's devices are connected, now and at
// three times before; with everyone, how many of all, for administrators.
func (c *Client) Headcounts(ctx context.Context, everyone bool) (rest.Headcounts, error) {
	var v rest.Headcounts
	err := c.get(ctx, rest.PathHeadcount+query(nil, everyone), &v)
	return v, err
}

// HeadcountHistory tells how many were connected since a time, in steps; 0: as it
// suits the time. Of names and words of what they are counted by, only takes one:
// product, transport, firmware or device_os.
func (c *Client) HeadcountHistory(ctx context.Context, everyone bool, since time.Time, step time.Duration, only map[string]string) (rest.HeadcountHistory, error) {
	values := url.Values{"since": {since.UTC().Format(time.RFC3339)}}
	if step > 0 {
		values.Set("step", strconv.Itoa(int(step/time.Second)))
	}
	for name, word := range only {
		values.Set(name, word)
	}
	var v rest.HeadcountHistory
	err := c.get(ctx, rest.PathHeadcountHistory+query(values, everyone), &v)
	return v, err
}

func query(values url.Values, everyone bool) string {
	if values == nil {
		values = url.Values{}
	}
	if everyone {
		values.Set("everyone", "true")
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// Headcounter hears how many devices are connected, each time that it changes.
type Headcounter struct{ stream *Stream }

// WatchHeadcount opens a stream of counts, which is opened again when it breaks;
// broken is told, and may be nil. It lives until ctx ends or it is closed.
func (c *Client) WatchHeadcount(ctx context.Context, everyone bool, broken func(err error, wait time.Duration)) (*Headcounter, error) {
	sub := Subscription{at: rest.PathHeadcountLive + query(nil, everyone)}
	if broken != nil {
		sub.Broken = func(err error, wait time.Duration, _ bool) { broken(err, wait) }
	}
	s, err := c.Subscribe(ctx, sub)
	if err != nil {
		return nil, err
	}
	return &Headcounter{s}, nil
}

// Next waits for the next count; the first is that of now.
func (h *Headcounter) Next() (rest.Headcount, error) {
	for {
		e, err := h.stream.Next()
		if err != nil {
			return rest.Headcount{}, err
		}
		var v rest.Headcount
		if e.Name == rest.EventHeadcount && json.Unmarshal([]byte(e.text), &v) == nil {
			return v, nil
		}
	}
}

// Close ends the stream; a Next that waits returns.
func (h *Headcounter) Close() { h.stream.Close() }
