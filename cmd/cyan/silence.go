package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// After which silence a person begins to doubt, and how often they want to
// hear the same again.
const (
	doubtAfter = 10 * time.Second
	doubtAgain = time.Minute
)

// wake is what is known of a stream while nothing happens.
type wake struct {
	heard  func() time.Time // when the last byte came
	online func() string    // who could speak
	last   atomic.Int64     // when the last event came, or the stream was opened: Unix milliseconds
	none   atomic.Bool      // no event has come yet
}

// event notes that one has come.
func (w *wake) event(at time.Time) {
	w.last.Store(at.UnixMilli())
	w.none.Store(false)
}

// lastEvent says when the last event was.
func (c *cli) lastEvent(w *wake, now time.Time) string {
	at := time.UnixMilli(w.last.Load())
	ago := now.Sub(at).Round(time.Second)
	if w.none.Load() {
		return fmt.Sprintf("no matching event since %s, %s ago", c.stamp(at), ago)
	}
	return fmt.Sprintf("the last matching event was at %s, %s ago", c.stamp(at), ago)
}

// reassure says when there were no events for a while although the stream is
// alive, until ctx is done.
func (c *cli) reassure(ctx context.Context, w *wake) {
	wait := doubtAfter
	for {
		event := w.last.Load()
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		now := time.Now()
		quiet := now.Sub(time.UnixMilli(w.last.Load()))
		switch ago := now.Sub(w.heard()); {
		case w.last.Load() != event || quiet < doubtAfter:
			wait = max(doubtAfter-quiet, time.Millisecond)
		case ago < doubtAfter:
			c.say("the stream is alive, the cloud was heard %.0f s ago; %s; %s", ago.Seconds(), w.online(), c.lastEvent(w, now))
			wait = doubtAgain
		default:
			wait = time.Second
		}
	}
}
