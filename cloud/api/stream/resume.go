package stream

import (
	"context"
	"time"

	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// pageSize is how many events of the history a stream looks at at once.
const pageSize = 256

// askTime bounds one question to the history.
const askTime = 5 * time.Second

// tail is a stream's place in the history. Such a stream is not sent what
// comes from the bus, but woken by it: it reads on from where it was, so that
// it has every event once and in the history's order, however it is woken.
type tail struct {
	// Owned by run.
	at   event.Position // read up to here
	said event.Position // the id that the reader knows
	gap  string         // to be told first: one of rest's Gap reasons
	lost string         // the id that the reader named, for the gap
	buf  []byte
}

// resume finds where a stream begins: after the id, or, if it is
// rest.ResumeNow or empty, now.
func (h *Hub) resume(ctx context.Context, after string) (*tail, error) {
	if h.cfg.History == nil {
		return nil, fault.Errorf(fault.Unavailable, "this server keeps no history of events, so that streams cannot be resumed").
			WithCode(rest.CodeNotImplemented)
	}
	if after == "" || after == rest.ResumeNow {
		end, err := h.cfg.History.End(ctx)
		return &tail{at: end}, err
	}
	at, err := event.ParsePosition(after)
	if err != nil {
		return nil, fault.E(fault.Invalid, "the id to resume after is none that this server gave", err).WithCode(rest.CodeBodyMalformed)
	}
	known, err := h.cfg.History.Has(ctx, at)
	if err != nil || known {
		return &tail{at: at, said: at, lost: after}, err
	}
	return &tail{gap: rest.GapUnknown, lost: after}, nil
}

// gaps say to people why events may be missing.
var gaps = map[string]string{
	rest.GapTooOld:  "the history has dropped events that you have not heard: it goes on with the oldest that it has",
	rest.GapUnknown: "the history does not know the event that you heard last, so that events may be missing or come again: it goes on with the oldest that it has",
}

// readOn writes what is new in the history. It tells whether the stream goes
// on.
func (st *stream) readOn() bool {
	t := st.tail
	for more := true; more; {
		page, err := st.ask()
		if err != nil {
			st.finish(rest.EndStore)
			return false
		}
		if page.Gap && t.gap == "" {
			t.gap = rest.GapTooOld
			if t.lost == "" {
				t.lost = t.said.String()
			}
		}
		if t.gap != "" {
			told := st.notice(rest.EventStreamGap, rest.StreamGap{After: t.lost, Gap: t.gap, Message: gaps[t.gap]})
			t.gap, t.lost = "", ""
			st.hub.metrics.gaps.Inc()
			if !st.write(told) {
				return false
			}
		}
		if !st.writeKept(page.Events) {
			return false
		}
		if page.To.Seq > t.at.Seq {
			t.at = page.To
		}
		more = page.More
		if st.ended() {
			return false
		}
	}
	return true
}

func (st *stream) ask() (event.Page, error) {
	ctx, cancel := context.WithTimeout(st.hub.life, askTime)
	defer cancel()
	return st.hub.cfg.History.After(ctx, &st.filter, st.tail.at.Seq, pageSize)
}

// writeKept writes events with their ids, whole frames at a time.
func (st *stream) writeKept(events []event.Kept) bool {
	t := st.tail
	var enc encoder
	t.buf = t.buf[:0]
	for i := range events {
		t.buf = append(sse.AppendID(t.buf, events[i].At.String()), enc.encode(&events[i].Event)...)
		t.said = events[i].At
		st.hub.metrics.frames.Inc()
		if len(t.buf) < maxWrite && i < len(events)-1 {
			continue
		}
		if !st.write(t.buf) {
			return false
		}
		t.buf = t.buf[:0]
	}
	if cap(t.buf) > keepBuffer {
		t.buf = nil
	}
	return true
}

// place is the sign of life of a stream that can be resumed: it looks for what
// it was not woken for, and tells the reader how far it is if only events have
// passed that are not for him.
func (st *stream) place() bool {
	if !st.readOn() {
		return false
	}
	return st.write(st.whereabouts())
}

// whereabouts is the reader's place in the history, if it is another than he
// knows, or an empty line.
func (st *stream) whereabouts() []byte {
	t := st.tail
	if t.said == t.at {
		return []byte("\n")
	}
	t.said = t.at
	return append(sse.AppendID(nil, t.at.String()), '\n')
}
