package fleet

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/headcount"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/sse"
)

// patience is how long a reader has to take what is written.
const patience = 10 * time.Second

// live answers GET /v1/headcount/live: the count now, and each time that it has
// changed, at most once a second.
func (d *Desk) live(w http.ResponseWriter, r *web.Request) error {
	owner, err := d.whose(r)
	if err != nil {
		return err
	}
	watch, err := d.cfg.Counter.Watch(r.Context(), owner)
	if err != nil {
		return err
	}
	defer watch.Close()
	head := w.Header()
	head.Set("Content-Type", sse.ContentType+"; charset=utf-8")
	head.Set("Cache-Control", "no-cache")
	head.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out := outlet{w, http.NewResponseController(w)}
	if !out.write(sse.AppendComment(nil, "ok")) {
		return nil
	}
	d.tell(r, watch, out)
	return nil
}

// tell writes to a reader until it is gone, or is to hear no more.
func (d *Desk) tell(r *web.Request, watch *headcount.Watch, out outlet) {
	alive := time.NewTicker(d.cfg.KeepAlive)
	defer alive.Stop()
	for {
		select {
		case s := <-watch.News():
			data, _ := json.Marshal(view(s, d.cfg.Now())) // numbers and words
			if !out.write(sse.AppendFrame(nil, rest.EventHeadcount, data)) {
				return
			}
		case <-alive.C:
			if reason := d.ended(r); reason != "" {
				out.end(reason, "the token of this stream is good no more: log in again")
				return
			}
			if !out.write([]byte("\n")) {
				return
			}
		case <-d.done:
			out.end(rest.EndShutdown, "the server is stopping: connect again")
			return
		case <-d.cfg.Counter.Done():
			out.end(rest.EndShutdown, "the server is stopping: connect again")
			return
		case <-r.Context().Done():
			return
		}
	}
}

// ended tells why the reader may hear no more; empty: he may. A database that
// does not answer is no reason.
func (d *Desk) ended(r *web.Request) string {
	now := d.cfg.Now()
	if e := r.Caller.Token.Expires; !e.IsZero() && !now.Before(e) {
		return rest.EndTokenExpired
	}
	if _, err := d.cfg.People.UseToken(r.Context(), r.Caller.Token.Hash, now); err != nil && fault.KindOf(err) == fault.NotFound {
		return rest.EndTokenRevoked
	}
	return ""
}

// outlet is where a stream is written.
type outlet struct {
	http.ResponseWriter
	control *http.ResponseController
}

// write writes whole frames at once, and tells whether the reader is there.
func (o outlet) write(p []byte) bool {
	_ = o.control.SetWriteDeadline(time.Now().Add(patience)) // one that cannot be set shows in the write
	_, err := o.ResponseWriter.Write(p)
	return err == nil && o.control.Flush() == nil
}

// end says why the stream ends.
func (o outlet) end(reason, message string) {
	data, _ := json.Marshal(rest.StreamEnd{End: reason, Message: message}) // text only
	o.write(sse.AppendComment(nil, " "+string(data)))
}
