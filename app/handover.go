package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway"
	"github.com/cyan-cloud/cyan/cloud/gateway/handover"
	"github.com/cyan-cloud/cyan/cloud/gateway/onward"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/internal/build"
	"github.com/cyan-cloud/cyan/internal/turnstile"
)

// heirVariable is set in the environment of a process that is to take over
// from the one that started it.
const heirVariable = "TAKE_OVER_CYAN"

// succession is what an App needs to take another process's place, and to give
// its own to one.
type succession struct {
	lock        *os.File // of the data folder
	inherit     *gateway.Inherit
	predecessor handover.Hello
	elder       string // its address on the bus, if that is ours; empty: it is not
	plan        successionPlan

	door       *api.API
	server     *http.Server
	gate       *turnstile.Turnstile
	doorLabels []string // of the doors, as they were configured
	listening  sync.WaitGroup
	movables   movables  // connections of the HTTP API
	moved      *arrivals // those that come from the process before
}

// TookOver tells whether this process took another one's place.
func (a *App) TookOver() bool { return a.predecessor.PID != 0 }

// closeAPI lets nobody in any more, and ends event streams.
func (a *App) closeAPI() {
	for _, l := range a.doors {
		_ = l.Close() // the other process has it too
	}
	a.door.Streams().Leave()
	a.door.Close()
}

// hello says who this process is to another.
func hello() handover.Hello {
	return handover.Hello{Export: session.ExportVersion, Program: build.Current().Version, PID: os.Getpid()}
}

// giver is a cloud that is about to be another process's.
type giver struct{ a *App }

// Sockets is handover.Giver's.
func (g giver) Sockets(send func(labels []string, files []int) error) error {
	labels, files, err := g.a.gateway.Sockets()
	defer func() { closeFiles(files) }()
	for i, l := range g.a.doors {
		f, e := l.(*net.TCPListener).File()
		err = errors.Join(err, e)
		labels, files = append(labels, "api "+g.a.doorLabels[i]), append(files, f)
	}
	if err != nil {
		return err
	}
	for len(files) > 0 {
		n := min(len(files), handover.MaxFiles)
		if err := send(labels[:n], descriptors(files[:n])); err != nil {
			return err
		}
		closeFiles(files[:n])
		labels, files = labels[n:], files[n:]
	}
	return send(nil, nil)
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // a copy
	}
}

// descriptors gives the files' numbers, and leaves the files as they are.
func descriptors(files []*os.File) []int {
	var fds []int
	for _, f := range files {
		if raw, err := f.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { fds = append(fds, int(fd)) })
		}
	}
	return fds
}

// Settle is handover.Giver's.
func (g giver) Settle(ctx context.Context, send func(handover.Kind, []byte, ...int) error) error {
	return g.a.gateway.Settle(ctx, send)
}

// flushTime bounds the wait for what is on its way to the database.
const flushTime = 5 * time.Second

// Freeze is handover.Giver's. What was written here is on the disk before
// another process writes.
func (g giver) Freeze(ctx context.Context) error {
	border := "hand-over " + time.Now().Format(time.RFC3339Nano)
	reached := g.a.door.Streams().Hold(border)
	err := g.a.gateway.Freeze(ctx, border, func() error {
		return g.a.bus.Publish(&event.Event{ID: border, Name: "spark/cyan/border", Source: event.FromCloud, Published: time.Now()})
	})
	if err != nil {
		return err
	}
	select {
	case <-reached:
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	g.a.muster.Settle(ctx)
	return g.a.store.Flush(ctx)
}

// Export is handover.Giver's.
func (g giver) Export(send func(handover.Kind, []byte, ...int) error) (handover.End, error) {
	end, err := g.a.gateway.Export(send)
	if err != nil {
		return end, err
	}
	return end, g.a.door.Streams().Pass(func(c net.Conn, body []byte) error {
		f, err := fileOf(c)
		if err != nil {
			return nil
		}
		defer f.Close()
		end.Streams++
		return send(handover.KindStream, body, descriptors([]*os.File{f})...)
	})
}

// Resume is handover.Giver's.
func (g giver) Resume() {
	g.a.gateway.Resume()
	g.a.door.Streams().Resume()
}

// heir is a cloud that is about to take another process's place.
type heir struct {
	ctx  context.Context //nolint:containedctx // of the start, which goes on in Prepare
	a    *App
	link handover.Link
	end  handover.End

	streams int
	collect int // how eagerly garbage is collected otherwise
}

// Prepare is handover.Taker's.
func (h *heir) Prepare(offer handover.Offer, lead []*os.File, sockets map[string]*os.File) error {
	h.a.lock = lead[1]
	h.a.push("data folder's lock", func(context.Context) error { return h.a.lock.Close() })
	clock, err := clockAhead(offer)
	if err != nil {
		return err
	}
	h.a.inherit = &gateway.Inherit{Sockets: sockets, Clock: clock}
	h.a.predecessor = offer.Hello
	if h.a.opts.NATS != "" {
		h.a.elder = offer.Bus
	}
	// The heap is about to grow to its size at once.
	h.collect = debug.SetGCPercent(800)
	return h.a.build(h.ctx)
}

// Adopt is handover.Taker's.
func (h *heir) Adopt(m handover.Message) error {
	if m.Kind != handover.KindStream {
		return h.a.gateway.Adopt(m)
	}
	defer closeFiles(m.Files)
	if len(m.Files) != 1 {
		return handover.ErrMessage
	}
	c, err := net.FileConn(m.Files[0])
	if err != nil {
		return err
	}
	h.streams++
	return h.a.door.Streams().Adopt(c, m.Body)
}

// Complete is handover.Taker's.
func (h *heir) Complete(end handover.End) (handover.Serving, error) {
	h.end = end
	if h.a.history != nil {
		if err := h.a.history.CatchUp(h.ctx); err != nil {
			return handover.Serving{}, err
		}
	}
	n, err := h.a.gateway.Adopted()
	s := handover.Serving{Sessions: n, Streams: h.streams}
	if h.a.elder != "" {
		s.Bus = h.a.bus.Address()
	}
	return s, err
}

// begin serves in the other's place, and goes on with what still comes to it.
func (h *heir) begin() {
	ancestor := onward.NewAncestor(h.link, h)
	h.a.gateway.Open(h.end.LastCall, ancestor.Inherited)
	h.a.bus.Appear()
	h.a.door.Streams().Begin()
	h.a.serving()
	debug.SetGCPercent(h.collect)
	h.a.opts.Logger.Info("took over from another process; no device was disconnected", "from", h.a.predecessor.Program,
		"pid", h.a.predecessor.PID, "sessions", h.end.Sessions)
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.ctx))
	ended := make(chan struct{})
	var rechecking sync.WaitGroup
	rechecking.Go(func() { recheck(ctx, ended, h.a.recheckStreams) }) // until the process before has ended, or this one stops
	go func() {                                                       // likewise
		defer close(done)
		ancestor.Run(ctx)
		close(ended)
		h.a.bus.Alone()
		h.close()
		rechecking.Wait()
	}()
	h.a.push("process before", func(context.Context) error {
		cancel()
		h.close()
		<-done
		return nil
	})
}

// recheckTime is how long the process before may have revoked a token and this
// one still serve its stream. A request with it is let in for as long, see the
// store.
const recheckTime = 5 * time.Second

// recheck has look end the event streams whose tokens were revoked behind their
// departure: by the process before, which says so to nobody here, or has died.
// It looks at once, then as long as that process may revoke any, and once more
// when it has ended. A look that came to nothing is repeated.
func recheck(ctx context.Context, ended <-chan struct{}, look func(context.Context) error) {
	tick := time.NewTicker(recheckTime)
	defer tick.Stop()
	for last := false; ; {
		if err := look(ctx); err == nil && last {
			return
		}
		select {
		case <-ended:
			ended, last = nil, true
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// recheckStreams ends the event streams whose tokens the database does not have.
func (a *App) recheckStreams(ctx context.Context) error {
	a.store.Forget() // what was read before may have been revoked since
	err := a.door.Streams().Recheck(func(hash account.TokenHash) (bool, error) {
		_, err := a.store.Token(ctx, hash)
		if err != nil && fault.KindOf(err) == fault.NotFound {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil && ctx.Err() == nil {
		a.opts.Logger.Warn("the tokens of event streams cannot be looked up; it is tried again", "err", err)
	}
	return err
}

func (h *heir) close() {
	if c, ok := h.link.(interface{ Close() error }); ok {
		_ = c.Close()
	}
}

// Call is onward.Server's, as the rest. On a bus that both are on, whoever asked
// may have taken the device for the older process's: it is here, or gone.
func (h *heir) Call(ctx context.Context, c bus.Call) (bus.Result, error) {
	if h.a.elder != "" {
		return h.a.gateway.Call(ctx, c)
	}
	return h.a.bus.Call(ctx, c)
}

// States is onward.Server's.
func (h *heir) States(ids []device.ID, into map[device.ID]device.State) {
	h.a.gateway.States(ids, into)
}

// Changed is onward.Server's.
func (h *heir) Changed(id device.ID, owner account.ID, key bool) {
	if h.a.elder != "" {
		h.a.gateway.Changed(id, owner, key) // the others know it
		return
	}
	_ = h.a.bus.Changed(id, owner, key) // the bus is in this process
}

// Publish is onward.Server's.
func (h *heir) Publish(e *event.Event) {
	if h.a.elder != "" {
		h.a.bus.Relay(e)
		return
	}
	_ = h.a.bus.Publish(e) // what is refused is counted there
}

// Connection is onward.Server's.
func (h *heir) Connection(f *os.File) {
	c, err := net.FileConn(f)
	_ = f.Close() // there is a copy now
	if err == nil {
		h.a.moved.put(c)
	}
}

// isHeir tells whether this process was started to take over. It is so once.
func isHeir() bool {
	_, ok := os.LookupEnv(heirVariable)
	_ = os.Unsetenv(heirVariable)
	return ok
}

// environment is that of an heir.
func environment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, heirVariable+"=") {
			env = append(env, v)
		}
	}
	return append(env, heirVariable+"=1")
}
