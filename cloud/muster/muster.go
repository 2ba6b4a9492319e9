package muster

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/internal/dense"
)

// The files in the data folder.
const (
	fileRoll  = "roll"
	fileHeads = "recoveries.json"
)

// status is the event that says that a device is online, or is not.
const status = "spark/status"

// Bus is where it is heard who comes and leaves, and asked how devices are.
type Bus interface {
	Subscribe(fn func(*event.Event)) (cancel func(), err error)
	States(ctx context.Context, ids []device.ID) (map[device.ID]device.State, error)
}

// Facts is what the database knows of devices.
type Facts interface {
	DevicesByID(ctx context.Context, ids []device.ID) ([]device.Device, error)
}

// Config says what a muster stands on. All must be set but for what says
// otherwise.
type Config struct {
	Dir   string // the data folder
	Bus   Bus
	Facts Facts
	// Over hears of a recovery that has come to its end; nil: nobody does.
	Over   func(ctx context.Context, r Recovery)
	Logger *slog.Logger     // nil: none
	Now    func() time.Time // nil: time.Now
}

// How it looks.
const (
	lookEvery = time.Second
	patience  = 2 * time.Second // for the answer of a look
	askAtOnce = 20_000          // devices that are missing, in one look
	namesEach = 2_000           // devices whose owners are looked up in one
	beatEvery = 10 * time.Second
	giveUp    = 24 * time.Hour // for so long a device is waited for

	// A disconnect hits many when within the window so many leave, and so great a
	// part of those who were there.
	window  = time.Minute
	atLeast = 10
	oneOf   = 20

	maxInbox = 1 << 20 // devices of which it is heard within one look
)

// Muster calls the roll. Make it with New, and begin with Begin or Continue. It
// is safe for concurrent use.
type Muster struct {
	cfg Config

	looking sync.Mutex // held while it is looked

	mu    sync.Mutex // guards what follows
	inbox map[device.ID]struct{}
	deaf  int // devices that there was no room for
	open  map[uint32]*Recovery
	heads []*Recovery                 // the newest first
	lines *dense.Map[device.ID, line] // of those who are awaited
	limbo map[device.ID]struct{}      // of these: connected, and not answering
	here  int                         // how many are connected, about

	// Owned by who looks.
	roll    *roll
	left    []departure // of late
	unnamed []device.ID // whose owners are to be counted
	owners  map[account.ID]struct{}
	asked   int // where the round of those who are awaited is
	beaten  time.Time
	dirty   bool
	mute    bool // that the files cannot be written has been said

	cancel  context.CancelFunc
	unsub   func()
	running sync.WaitGroup
}

// departure is a device that has lost its connection of late.
type departure struct {
	id device.ID
	at time.Time
	line
	drained bool // it was sent away
}

// New makes a muster that hears who comes and leaves, and does nothing yet.
func New(cfg Config) (*Muster, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Muster{
		cfg: cfg, inbox: map[device.ID]struct{}{}, open: map[uint32]*Recovery{}, lines: dense.NewMap[device.ID, line](),
		limbo: map[device.ID]struct{}{}, owners: map[account.ID]struct{}{},
	}
	var err error
	m.unsub, err = cfg.Bus.Subscribe(m.heard)
	return m, err
}

func (m *Muster) path(name string) string { return filepath.Join(m.cfg.Dir, name) }

// Begin begins for a cloud that has started, and has let devices in since up:
// whoever was there when the process before ended is awaited.
func (m *Muster) Begin(kind Kind, up time.Time) error {
	all, ended, err := readRoll(m.path(fileRoll))
	if err != nil {
		return err
	}
	m.readHeads()
	if ended.IsZero() || ended.After(up) {
		ended = up
	}
	r := m.newRecovery(kind, ended, up)
	for id, l := range all.All() {
		if l.standing == here {
			l.standing, l.since = awaited, r.second()
			r.Affected++
			if l.udp {
				r.UDP++
			}
			m.unnamed = append(m.unnamed, id)
		}
		*m.lines.Put(id) = *l
	}
	if m.roll, err = newRoll(m.path(fileRoll), all); err != nil {
		return err
	}
	if r.Affected > 0 {
		m.opened(r)
	}
	m.begin()
	return nil
}

// Continue goes on where the process before is that has handed everything over:
// nobody has left.
func (m *Muster) Continue() (err error) {
	all, _, err := readRoll(m.path(fileRoll))
	if err != nil {
		return err
	}
	m.readHeads()
	for id, l := range all.All() {
		if l.standing == awaited {
			*m.lines.Put(id) = *l
		} else {
			m.here++
		}
	}
	if m.roll, err = openRoll(m.path(fileRoll)); err != nil {
		return err
	}
	m.begin()
	return nil
}

func (m *Muster) readHeads() {
	heads, err := readHeads(m.path(fileHeads))
	if err != nil {
		m.cfg.Logger.Warn("what is known of earlier disconnects cannot be read; who is missing since is known all the same", "err", err)
	}
	m.heads = heads
	for _, r := range heads {
		if r.Over.IsZero() {
			m.open[r.second()] = r
		}
	}
}

func (m *Muster) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	m.running.Go(func() { m.run(ctx) }) // until Stop
}

// Stop ends it. Who is connected then is awaited by the next.
func (m *Muster) Stop() error {
	m.unsub()
	if m.cancel == nil {
		return nil // it never began, or was stopped
	}
	m.cancel()
	m.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m.Settle(ctx) // what was heard since the last look
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cancel = nil
	m.roll.beat(m.cfg.Now())
	return errors.Join(m.writeHeads(), m.roll.close())
}

// heard takes an event from the bus.
func (m *Muster) heard(e *event.Event) {
	if e.Source != event.FromCloud || e.Name != status || e.Device.IsZero() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.inbox) < maxInbox {
		m.inbox[e.Device] = struct{}{}
	} else {
		m.deaf++
	}
}

func (m *Muster) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.look(ctx)
		}
	}
}

// Settle writes down what was heard, for a process that is about to continue.
func (m *Muster) Settle(ctx context.Context) { m.take(ctx, 0) }

// look sees who came, left and is still missing.
func (m *Muster) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	over := m.take(ctx, askAtOnce)
	m.countOwners(ctx)
	for i := range over {
		r := &over[i]
		log := m.cfg.Logger.With("recovery", r.ID, "kind", r.Kind, "affected", r.Affected, "back", r.Back.Sum())
		if r.GivenUp > 0 {
			log.Warn("not all devices came back after a disconnect: nobody waits for the rest any more", "given_up", r.GivenUp)
		} else {
			log.Info("the devices are back after a disconnect")
		}
		if m.cfg.Over != nil {
			m.cfg.Over(ctx, *r)
		}
	}
}

// take takes in who came and left, and how so many are who are missing. It gives
// the recoveries that are over.
func (m *Muster) take(ctx context.Context, most int) (over []Recovery) {
	m.looking.Lock()
	defer m.looking.Unlock()
	m.mu.Lock()
	news := m.inbox
	m.inbox = map[device.ID]struct{}{}
	ids := make([]device.ID, 0, len(news)+min(m.lines.Len(), most))
	for id := range news {
		ids = append(ids, id)
	}
	ids = m.round(ids, news, most)
	m.mu.Unlock()
	var states map[device.ID]device.State
	var err error
	if len(ids) > 0 {
		states, err = m.cfg.Bus.States(ctx, ids)
	}
	now := m.cfg.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil { // it is looked again
		for id := range news {
			m.inbox[id] = struct{}{}
		}
	} else {
		for _, id := range ids {
			st, known := states[id]
			_, isNews := news[id]
			m.see(now, id, st, known, isNews)
		}
		m.judge(now)
	}
	over = m.end(now)
	m.write(now)
	return over
}

// round adds to ids those of the awaited whose turn it is. Caller holds mu.
func (m *Muster) round(ids []device.ID, news map[device.ID]struct{}, most int) []device.ID {
	if m.asked >= m.lines.Len() {
		m.asked = 0
	}
	at, end := 0, m.asked+most
	for id := range m.lines.All() {
		if _, is := news[id]; !is && at >= m.asked && at < end {
			ids = append(ids, id)
		}
		at++
	}
	m.asked = end
	return ids
}

// see takes in how a device is. Caller holds mu.
func (m *Muster) see(now time.Time, id device.ID, st device.State, known, news bool) {
	if known && st.Word == device.Unknown && st.Transport == "" {
		return // the node that has it does not answer
	}
	l := line{udp: st.Transport == "udp", keepAlive: uint16(min(st.KeepAlive/time.Second, 1<<16-1))}
	if is := m.lines.At(id); is != nil {
		m.lookFor(id, is, l, st)
		return
	}
	switch {
	case !news:
	case st.Connected():
		l.standing = here
		m.roll.put(id, l)
		m.here++
		m.left = slices.DeleteFunc(m.left, func(d departure) bool { return d.id == id })
	case st.Word == device.Connecting:
	default:
		l.standing = gone
		m.roll.put(id, l)
		m.here = max(0, m.here-1)
		if !byItself(st) {
			m.left = append(m.left, departure{id, now, l, st.Reason == device.ServerShutdown})
		}
	}
}

// byItself tells whether a device is away because it, or its owner, wanted that.
func byItself(st device.State) bool {
	switch st.Reason {
	case device.DeviceGoodbye, device.DeviceSleep, device.KeyReplaced, device.Superseded:
		return true
	default:
		return st.Word == device.Asleep
	}
}

// lookFor takes in how one is who is awaited. Caller holds mu.
func (m *Muster) lookFor(id device.ID, is *line, l line, st device.State) {
	r := m.open[is.since]
	if r == nil { // its head is lost
		r = m.newRecovery(Disconnect, time.Unix(int64(is.since), 0).UTC(), time.Unix(int64(is.since), 0).UTC())
		m.open[is.since] = r
		m.heads = append(m.heads, r)
	}
	switch {
	case st.Connected() && st.ProvenAt.After(r.Up), byItself(st) && st.LastSeen.After(r.Up):
		// It came back when its session began, or, within one that went on, when it
		// answered.
		at := st.Since
		if !at.After(r.Up) {
			at = cmp.Or(st.ProvenAt, st.LastSeen)
		}
		r.Back.add(at.Sub(r.Up))
		delete(m.limbo, id)
		m.lines.Delete(id)
		l.standing = gone
		if st.Connected() {
			l.standing = here
			m.here++
		}
		m.roll.put(id, l)
		m.dirty = true
	case st.Connected():
		m.limbo[id] = struct{}{}
	default:
		delete(m.limbo, id)
	}
}

// judge tells whether those who left of late left together. Caller holds mu.
func (m *Muster) judge(now time.Time) {
	drained := slices.ContainsFunc(m.left, func(d departure) bool { return d.drained })
	m.left = slices.DeleteFunc(m.left, func(d departure) bool { return !d.drained && now.Sub(d.at) > window })
	if len(m.left) == 0 || !drained && (len(m.left) < atLeast || len(m.left)*oneOf < m.here+len(m.left)) {
		return
	}
	kind := Disconnect
	if drained {
		kind = Drain
	}
	first := m.left[0].at
	r := m.current(kind, now)
	if r == nil {
		r = m.newRecovery(kind, first, first)
		m.opened(r)
	}
	for i := range m.left {
		d := &m.left[i]
		d.standing, d.since = awaited, r.second()
		*m.lines.Put(d.id) = d.line
		m.roll.put(d.id, d.line)
		m.unnamed = append(m.unnamed, d.id)
		r.Affected++
		if d.udp {
			r.UDP++
		}
		r.last = now
	}
	m.left, m.dirty = m.left[:0], true
}

// current gives the disconnect that goes on: those who leave now are of it.
// Caller holds mu.
func (m *Muster) current(kind Kind, now time.Time) *Recovery {
	for _, r := range m.open {
		if r.Kind == kind && now.Sub(r.last) <= window {
			return r
		}
	}
	return nil
}

// newRecovery makes one, with a second of its own. Caller holds mu, or nobody
// else knows of m.
func (m *Muster) newRecovery(kind Kind, at, up time.Time) *Recovery {
	r := &Recovery{Kind: kind, At: at.UTC(), Up: up.UTC()}
	for m.named(r.second()) {
		r.At = r.At.Add(time.Second)
	}
	if r.Up.Before(r.At) {
		r.Up = r.At
	}
	r.ID = strconv.FormatUint(uint64(r.second()), 36)
	return r
}

func (m *Muster) named(second uint32) bool {
	return slices.ContainsFunc(m.heads, func(r *Recovery) bool { return r.second() == second })
}

// opened puts a new recovery among the others. Caller holds mu, or nobody else
// knows of m.
func (m *Muster) opened(r *Recovery) {
	m.open[r.second()] = r
	m.heads = slices.Insert(m.heads, 0, r)
	for i := len(m.heads) - 1; i >= maxHeads; i-- {
		if !m.heads[i].Over.IsZero() {
			m.heads = slices.Delete(m.heads, i, i+1)
		}
	}
	m.owners, m.dirty = map[account.ID]struct{}{}, true
	m.cfg.Logger.Warn("devices were disconnected together; they are looked for until they are back", "recovery", r.ID, "kind", r.Kind, "devices", r.Affected)
}

// end gives the recoveries that are over now. Caller holds mu.
func (m *Muster) end(now time.Time) (over []Recovery) {
	waiting := map[uint32]int{}
	m.lines.DeleteFunc(func(id device.ID, l *line) bool {
		if r := m.open[l.since]; r != nil && now.Sub(r.Up) < giveUp {
			waiting[l.since]++
			return false
		} else if r != nil {
			r.GivenUp++
		}
		m.roll.put(id, line{standing: gone})
		delete(m.limbo, id)
		return true
	})
	for second, r := range m.open {
		if waiting[second] > 0 || now.Sub(r.last) <= window && r.Kind != Start && r.Kind != Crash {
			continue
		}
		r.Over = now.UTC()
		delete(m.open, second)
		over = append(over, *r)
		m.dirty = true
	}
	return over
}

// write has the files say what is known. Caller holds mu.
func (m *Muster) write(now time.Time) {
	err := m.roll.flush()
	if now.Sub(m.beaten) >= beatEvery {
		m.beaten = now
		m.roll.beat(now)
	}
	if m.dirty {
		err = errors.Join(err, m.writeHeads())
	}
	if err != nil && !m.mute {
		m.cfg.Logger.Error("who is here cannot be written down: after a crash nobody would know who is missing", "err", err)
	}
	m.mute = err != nil
}

func (m *Muster) writeHeads() error {
	m.dirty = false
	return writeHeads(m.path(fileHeads), m.heads)
}

// countOwners looks up whose some of the devices are that were disconnected.
func (m *Muster) countOwners(ctx context.Context) {
	m.mu.Lock()
	some := m.unnamed[:min(namesEach, len(m.unnamed))]
	m.mu.Unlock()
	if len(some) == 0 {
		return
	}
	list, err := m.cfg.Facts.DevicesByID(ctx, some)
	if err != nil {
		return // it is tried again
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range list {
		if owner := list[i].Owner; owner != "" {
			m.owners[owner] = struct{}{}
		}
	}
	m.unnamed = m.unnamed[len(some):]
	if len(m.heads) > 0 {
		m.heads[0].Owners, m.dirty = len(m.owners), true
	}
	if len(m.unnamed) == 0 {
		m.unnamed = nil
	}
}
