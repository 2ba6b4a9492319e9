package stream

import (
	"encoding/json"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// messages say to people why a stream ends.
var messages = map[string]string{
	rest.EndSlow:         "you read too slowly, and events for you were dropped: connect again",
	rest.EndShutdown:     "the server is stopping: connect again",
	rest.EndTokenRevoked: "the token of this stream was revoked: log in again",
	rest.EndTokenExpired: "the token of this stream has expired: log in again",
	rest.EndUserDeleted:  "the account of this stream was deleted",
	rest.EndDeviceGone:   "the device of this stream is not yours any more",
	rest.EndBus:          "the parts of the cloud do not hear each other, so that events are missing here: connect again",
	rest.EndLost:         "events were lost on their way to this server: connect again",
	rest.EndStore:        "the history of events cannot be read: connect again",
}

// endGone is the reason, as it is counted, of a reader who has left.
const endGone = "gone"

// EndAll ends every stream, for one of rest's End reasons.
func (h *Hub) EndAll(reason string) { h.endIf(reason, func(*stream) bool { return true }) }

// EndLost ends the streams that events did not reach. Those that can be
// resumed are not among them: they look into the history.
func (h *Hub) EndLost() {
	h.endIf(rest.EndLost, func(st *stream) bool {
		if st.tail != nil {
			st.rouse()
		}
		return st.tail == nil
	})
}

// EndToken ends the streams that were opened with the token.
func (h *Hub) EndToken(hash account.TokenHash) {
	h.endIf(rest.EndTokenRevoked, func(st *stream) bool { return st.token == hash })
}

// Recheck ends the streams whose token does not hold any more, which nobody
// said here. The first error of holds ends the round, and the next begins anew.
func (h *Hub) Recheck(holds func(account.TokenHash) (bool, error)) error {
	for hash := range h.tokens() {
		ok, err := holds(hash)
		if err != nil {
			return err
		}
		if !ok {
			h.EndToken(hash)
		}
	}
	return nil
}

// tokens gives what streams were opened with, of those that are to go on.
func (h *Hub) tokens() map[account.TokenHash]struct{} {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make(map[account.TokenHash]struct{})
	for _, streams := range h.owners {
		for st := range streams {
			if !st.ended() {
				all[st.token] = struct{}{}
			}
		}
	}
	return all
}

// EndUser ends the user's streams.
func (h *Hub) EndUser(user account.ID, reason string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for st := range h.owners[user] {
		st.finish(reason)
	}
}

// EndDevice ends the streams of the device that are not its owner's.
func (h *Hub) EndDevice(id device.ID, owner account.ID) {
	h.endIf(rest.EndDeviceGone, func(st *stream) bool { return st.filter.Device == id && st.filter.Owner != owner })
}

func (h *Hub) endIf(reason string, wanted func(*stream) bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, streams := range h.owners {
		for st := range streams {
			if wanted(st) {
				st.finish(reason)
			}
		}
	}
}

// finish has the stream end, for a reason that its reader is told. The first
// reason counts.
func (st *stream) finish(reason string) {
	st.mu.Lock()
	if st.ending == "" {
		st.endFor(reason)
	}
	st.mu.Unlock()
	st.rouse()
}

// endFor notes the reason and limits the time for last words. Caller holds mu.
func (st *stream) endFor(reason string) {
	st.ending = reason
	grace := lastWords
	switch reason {
	case rest.EndSlow:
		grace = st.hub.cfg.Patience // what waits is still sent
	case rest.EndTokenRevoked, rest.EndTokenExpired, rest.EndUserDeleted, rest.EndDeviceGone:
		st.waiting = nil // is no more for its eyes
	}
	if st.sink != nil {
		st.limit(grace)
	}
}

// farewell says why the stream ends, if nothing has been cut off before it and
// the reader is still there.
func (st *stream) farewell() (reason string) {
	st.mu.Lock()
	end := rest.StreamEnd{End: st.ending, Message: messages[st.ending], Missed: st.missed}
	st.mu.Unlock()
	if end.End == "" {
		return endGone
	}
	if !st.broken {
		st.write(st.notice(rest.EventStreamEnd, end))
	}
	return end.End
}

// notice is what the server itself says in a stream: a comment, which stock
// clients pass over, or an event, if the reader has asked for more than they do.
func (st *stream) notice(name string, what any) []byte {
	text, _ := json.Marshal(what) // it cannot fail: text and numbers
	if st.tail == nil {
		return sse.AppendComment(nil, " "+string(text))
	}
	return sse.AppendFrame(nil, name, text)
}
