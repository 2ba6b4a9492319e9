package lane_test

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/wire/dtls"
)

// world is a lane, virtual devices and a store, on simulated time. Nothing in
// it has a goroutine, and the same seed gives the same run.
type world struct {
	t      testing.TB
	now    time.Time
	start  time.Time
	chance *rand.ChaCha8
	cfg    lane.Config
	lane   *lane.Lane
	outs   lane.Outs
	todo   []happening
	order  int

	devices []*subject
	made    map[string][2][]byte // keys that worlds share; nil: none
	pipes   map[uint64]*subject
	streams uint64
	calls   uint64

	// The store.
	down     bool  // nothing can be read or written
	full     bool  // nothing can be written
	broken   error // what is said of whatever is to be written; nil: nothing
	slow     time.Duration
	slowSave time.Duration // on top of slow, to write
	saves    int           // that were asked for
	life     int           // how often the cloud was restarted: what the one before asked for comes to nothing

	wish device.Restarting // what every owner allows

	// The network: what happens to a datagram on its way. Nil: nothing.
	fate func() (copies int, late time.Duration)
	tap  func(data []byte, from netip.AddrPort) // sees what devices send; nil: nobody
	ears func(data []byte, to netip.AddrPort)   // hears what the lane sends; nil: nobody

	drops     map[string]int // by reason
	published []event.Event
	keys      map[device.ID]device.Key
	owners    map[device.ID]account.ID
	saved     map[device.ID]session.Record
	heard     map[device.ID]time.Time // when a device was heard last, as far as it was told
	tries     []device.Attempt
	answers   map[uint64]*lane.Answer
	held      []time.Duration // for how long streams were not to be read
	log       strings.Builder
}

type happening struct {
	at    time.Time
	order int
	do    func()
}

// subject is a virtual device in the world.
type subject struct {
	*sim.Device
	cfg    sim.Config
	name   string
	id     device.ID
	addr   netip.AddrPort
	socket uint64 // of its stream
	lights []string
	notes  []string
	gone   bool // its power is cut
	cut    bool // nothing that is sent to it arrives
	stays  bool // its NAT gives it the same address for every socket
	heard  int  // datagrams that arrived
}

var doorstep = netip.MustParseAddr("192.0.2.1")

func newWorld(t testing.TB) *world {
	w := &world{
		t: t, now: time.Date(2026, 11, 22, 5, 0, 0, 700, time.UTC), chance: rand.NewChaCha8([32]byte{1}),
		pipes: map[uint64]*subject{}, keys: map[device.ID]device.Key{}, owners: map[device.ID]account.ID{},
		saved: map[device.ID]session.Record{}, heard: map[device.ID]time.Time{}, answers: map[uint64]*lane.Answer{}, drops: map[string]int{},
	}
	w.start = w.now
	w.cfg = lane.Config{
		Node: "gw", DTLS: &dtls.ServerConfig{Key: serverEC(t)}, RSA: serverRSA(t),
		Random:  func(b []byte) { _, _ = w.chance.Read(b) },
		Counter: w,
	}
	w.lane = lane.New(w.cfg)
	return w
}

// with makes the lane anew, from other settings.
func (w *world) with(change func(cfg *lane.Config)) *world {
	change(&w.cfg)
	w.lane = lane.New(w.cfg)
	return w
}

// Attempt and Dropped make the world the lane's counter.
func (w *world) Attempt(*device.Attempt) {}

func (w *world) Dropped(reason string) { w.drops[reason]++ }

func (w *world) Cookie() { w.drops["cookie"]++ }

func (w *world) Remedy(r device.Remedy) { w.drops["remedy "+r.String()]++ }

func serverEC(t testing.TB) *ecdsa.PrivateKey {
	key, err := x509.ParseECPrivateKey(vector(t, "server-ec.priv.der"))
	if err != nil || key.Curve != elliptic.P256() {
		t.Fatal("server-ec.priv.der:", err)
	}
	return key
}

func serverRSA(t testing.TB) *rsa.PrivateKey {
	der := vector(t, "server-rsa.priv.der")
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal("server-rsa.priv.der:", err)
	}
	return key.(*rsa.PrivateKey)
}

func vector(t testing.TB, name string) []byte {
	b, err := os.ReadFile("../../../wire/testdata/device/keys/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// device makes a virtual device. Unless it is a stranger its key is on file.
func (w *world) device(name string, cfg sim.Config, stranger bool) *subject {
	w.t.Helper()
	s := &subject{name: name, id: device.ID{0xe0, 0x0f, byte(len(w.devices) + 1)}}
	pair := w.newKey(cfg.Transport)
	private, public := pair[0], pair[1]
	var err error
	cfg.ID, cfg.Key, cfg.Server = sim.ID(s.id), private, "cloud"
	algorithm := device.ECC
	if cfg.Transport == sim.TCP {
		algorithm = device.RSA
		cfg.ServerKey = vector(w.t, "server-rsa.pub.der")
	} else {
		cfg.ServerKey = vector(w.t, "server-ec.pub.der")
	}
	if cfg.Profile.Name == "" {
		cfg.Profile = sim.Newest()
	}
	_, _ = w.chance.Read(cfg.Seed[:])
	s.cfg = cfg
	if s.Device, err = sim.New(cfg); err != nil {
		w.t.Fatal(err)
	}
	s.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(len(w.devices) + 1)}), 40000)
	w.devices = append(w.devices, s)
	w.owners[s.id] = "maker"
	if !stranger {
		w.keys[s.id] = device.Key{Algorithm: algorithm, SPKI: public}
	}
	return s
}

// newKey makes a device's key, private and public, or finds it among those
// that were made for other worlds: the RSA ones take their time. Each has a chance
// of its own, so that no two are the same, whoever made which, and a world's is
// the same whether it had to make any or not.
func (w *world) newKey(transport sim.Transport) [2][]byte {
	w.t.Helper()
	name := fmt.Sprint(transport, len(w.devices))
	if pair, ok := w.made[name]; ok {
		return pair
	}
	seed := [32]byte{2, byte(transport), byte(len(w.devices))}
	private, public, err := sim.GenerateKey(transport, rand.NewChaCha8(seed))
	if err != nil {
		w.t.Fatal(err)
	}
	pair := [2][]byte{private, public}
	if w.made != nil {
		w.made[name] = pair
	}
	return pair
}

// say notes something in the world's log.
func (w *world) say(format string, args ...any) {
	fmt.Fprintf(&w.log, "%8.3fs  %s\n", w.now.Sub(w.start).Seconds(), fmt.Sprintf(format, args...))
}

// lines gives the words of the lines of the log that begin with who.
func (w *world) lines(who string) [][]string {
	var list [][]string
	for line := range strings.Lines(w.log.String()) {
		if words := strings.Fields(line)[1:]; strings.HasPrefix(words[0], who) {
			list = append(list, words)
		}
	}
	return list
}

// after lets something happen later.
func (w *world) after(d time.Duration, do func()) {
	w.order++
	w.todo = append(w.todo, happening{w.now.Add(d), w.order, do})
}

// run lets d pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		at, do := w.next()
		if do == nil || at.After(end) {
			break
		}
		if at.After(w.now) {
			w.now = at
		}
		do()
	}
	w.now = end
}

// until lets time pass until something is so.
func (w *world) until(so func() bool) {
	w.t.Helper()
	for range 100_000 {
		if so() {
			return
		}
		w.run(time.Millisecond)
	}
	w.t.Fatal("it never comes to that")
}

// next finds what happens first: something that is on its way, or somebody's
// deadline.
func (w *world) next() (at time.Time, do func()) {
	consider := func(t time.Time, f func()) {
		if !t.IsZero() && (do == nil || t.Before(at)) {
			at, do = t, f
		}
	}
	if len(w.todo) > 0 {
		first := slices.MinFunc(w.todo, func(a, b happening) int {
			return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.order, b.order))
		})
		consider(first.at, func() {
			w.todo = slices.DeleteFunc(w.todo, func(h happening) bool { return h.order == first.order })
			first.do()
		})
	}
	for _, s := range w.devices {
		if !s.gone {
			consider(s.Deadline(), func() { w.feel(s, sim.Tick{}) })
		}
	}
	consider(w.lane.Deadline(), func() { w.cloud(lane.In{Kind: lane.Tick}) })
	return at, do
}

// way is how long everything takes from here to there.
const way = 10 * time.Millisecond

// feel lets something happen to a device and does what it does.
func (w *world) feel(s *subject, in sim.Input) {
	for _, out := range s.Step(w.now, in) {
		switch out := out.(type) {
		case sim.Open:
			if out.Transport == sim.TCP {
				w.open(s)
			} else {
				if !s.stays {
					s.addr = netip.AddrPortFrom(s.addr.Addr(), s.addr.Port()+1)
				}
				w.after(way, func() { w.feel(s, sim.Opened{}) })
			}
		case sim.Close:
			if conn := s.socket; conn != 0 {
				s.socket = 0
				w.after(way, func() { w.cloud(lane.In{Kind: lane.StreamClosed, Conn: conn}) })
			}
		case sim.Send:
			data, from, conn := slices.Clone(out.Data), s.addr, s.socket
			if s.cfg.Transport == sim.TCP {
				w.after(way, func() { w.cloud(lane.In{Kind: lane.StreamData, Conn: conn, Data: data}) })
				continue
			}
			if w.tap != nil {
				w.tap(data, from)
			}
			w.travel(func() { w.cloud(lane.In{Kind: lane.Datagram, Data: data, From: from, Local: doorstep}) })
		case sim.Note:
			s.notes = append(s.notes, out.Text)
		case sim.Show:
			s.lights = append(s.lights, out.LED.String())
			w.say("%s shows %s", s.name, out.LED)
		}
	}
}

// travel brings a datagram over, as often and as late as the network likes.
func (w *world) travel(arrive func()) {
	copies, late := 1, time.Duration(0)
	if w.fate != nil {
		copies, late = w.fate()
	}
	for range copies {
		w.after(way+late, arrive)
	}
}

// open connects a device's stream.
func (w *world) open(s *subject) {
	w.streams++
	conn := 1<<63 | w.streams<<8
	s.socket = conn
	w.pipes[conn] = s
	w.after(way, func() {
		w.cloud(lane.In{Kind: lane.StreamOpened, Conn: conn, From: s.addr})
		w.feel(s, sim.Opened{})
	})
}

// cloud lets something happen to the lane and does what it wants done.
func (w *world) cloud(in lane.In) {
	w.lane.Step(w.now, &in, &w.outs)
	if err := w.lane.Check(); err != nil {
		w.t.Fatalf("after input %d at %v: %v", in.Kind, w.now.Sub(w.start), err)
	}
	for i := range w.outs.List {
		w.do(&w.outs.List[i])
	}
	for _, d := range w.outs.Datagrams {
		w.deliver(slices.Clone(d.Data), d.To)
	}
	w.outs.Reset()
}

func (w *world) deliver(data []byte, to netip.AddrPort) {
	if w.ears != nil {
		w.ears(data, to)
	}
	w.travel(func() {
		for _, s := range w.devices {
			if s.addr == to && !s.gone && !s.cut && s.cfg.Transport == sim.UDP {
				s.heard++
				w.feel(s, sim.Received{Data: data})
			}
		}
	})
}

func (w *world) do(out *lane.Out) {
	conn, token, life := out.Conn, out.Token, w.life
	switch out.Kind {
	case lane.SendStream:
		data := slices.Clone(out.Data)
		w.after(way, func() {
			if s := w.pipes[conn]; s != nil && s.socket == conn && !s.gone && !s.cut {
				w.feel(s, sim.Received{Data: data})
			}
		})
	case lane.CloseStream:
		w.after(way, func() {
			if s := w.pipes[conn]; s != nil && s.socket == conn && !s.gone {
				s.socket = 0
				w.feel(s, sim.Closed{})
			}
		})
	case lane.AskOwner:
		id := out.Device
		w.after(w.slow, func() {
			w.cloud(lane.In{Kind: lane.OwnerAllows, Conn: conn, Device: id, Restart: w.wish})
		})
	case lane.LookUpKey:
		q := *out.LookUp
		w.after(w.slow, func() {
			if w.life != life {
				return
			}
			found, err := w.find(q)
			w.cloud(lane.In{Kind: lane.LookedUp, Conn: conn, Found: found, Err: err})
		})
	case lane.OpenBlob:
		in := lane.In{Kind: lane.Opened, Conn: conn}
		if claim, err := out.Job.Shake.Receive(out.Job.Blob); err == nil {
			in.Claim = &claim
		} else {
			in.Err = err
		}
		w.after(0, func() {
			if w.life == life {
				w.cloud(in)
			}
		})
	case lane.MakeReply:
		in := lane.In{Kind: lane.ReplyMade, Conn: conn, Reply: w.reply(out.Job)}
		w.after(0, func() {
			if w.life == life {
				w.cloud(in)
			}
		})
	case lane.Save:
		record := *out.Record
		w.saves++
		w.after(w.slow+w.slowSave, func() {
			if w.life != life {
				return
			}
			err := w.broken
			switch {
			case err != nil:
			case w.down || w.full:
				err = fault.Errorf(fault.Unavailable, "the disk is full")
			default:
				w.saved[record.Device] = record
			}
			w.cloud(lane.In{Kind: lane.Saved, Conn: conn, Token: token, Err: err})
		})
	default:
		w.note(out)
	}
}

func (w *world) reply(job *lane.Job) *lane.Accepted {
	key, err := job.Key.Parse()
	if err != nil {
		return nil
	}
	var padding [32]byte
	var credentials [40]byte
	_, _ = w.chance.Read(padding[:])
	_, _ = w.chance.Read(credentials[:])
	b, keys, err := job.Shake.Accept(key, credentials, padding)
	if err != nil {
		return nil
	}
	return &lane.Accepted{Bytes: b, Keys: keys}
}

// note writes down what is only told.
func (w *world) note(out *lane.Out) {
	switch out.Kind {
	case lane.Forget:
		record, life := *out.Record, w.life
		w.after(w.slow+w.slowSave, func() {
			if w.life == life && w.saved[record.Device].Origin == record.Origin {
				delete(w.saved, record.Device)
			}
		})
	case lane.HoldStream:
		w.held = append(w.held, out.Wait)
	case lane.TakeNote:
		if out.Note.Heard.After(w.heard[out.Device]) {
			w.heard[out.Device] = out.Note.Heard
		}
	case lane.Publish:
		w.published = append(w.published, *out.Event)
		w.say("event %s %q of %s", out.Event.Name, out.Event.Data, w.who(out.Event.Device))
	case lane.Show:
		w.say("%s is %s %s", w.who(out.Device), out.State.Word, out.State.Reason)
	case lane.RecordTry:
		w.tries = append(w.tries, *out.Try)
		w.say("attempt of %s over %s %s: %s (%s) %s", w.who(out.Try.Device), out.Try.Transport, out.Try.Outcome, out.Try.Reason,
			out.Try.Reason.Fault(), stagesOf(out.Try))
	case lane.Answered:
		w.answers[out.Answer.ID] = out.Answer
		w.say("call %d: %v %s %v", out.Answer.ID, out.Answer.Value.Int, out.Answer.Stage, out.Answer.Err)
	}
}

func stagesOf(try *device.Attempt) string {
	var names []string
	for _, s := range try.Stages {
		names = append(names, s.Name)
	}
	return strings.Join(names, ">")
}

func (w *world) who(id device.ID) string {
	for _, s := range w.devices {
		if s.id == id {
			return s.name
		}
	}
	return "nobody"
}

// find is the store's part of LookUpKey.
func (w *world) find(q lane.Lookup) (*lane.Found, error) {
	if w.down {
		return &lane.Found{}, fault.Errorf(fault.Unavailable, "the disk is full")
	}
	if q.Claim.IsZero() {
		for id, key := range w.keys {
			if string(key.SPKI) == string(q.SPKI) {
				return &lane.Found{Device: id, Owner: w.owners[id], Known: true}, nil
			}
		}
		return &lane.Found{}, nil
	}
	key, ok := w.keys[q.Claim]
	switch {
	case ok && string(key.SPKI) == string(q.SPKI):
		return &lane.Found{Device: q.Claim, Owner: w.owners[q.Claim], Known: true}, nil
	case ok:
		return &lane.Found{Other: true}, nil
	case q.Trust:
		w.keys[q.Claim] = device.Key{Algorithm: q.Algorithm, SPKI: q.SPKI}
		return &lane.Found{Device: q.Claim, Known: true}, nil
	}
	return &lane.Found{}, nil
}

// call asks a device for something and gives the answer once it is there.
func (w *world) call(s *subject, c session.Call, wait time.Duration) *lane.Answer {
	w.calls++
	c.ID = w.calls
	c.Deadline = w.now.Add(wait)
	w.cloud(lane.In{Kind: lane.CallDevice, Device: s.id, Call: &c})
	w.run(wait + time.Second)
	return w.answers[c.ID]
}

// restart is a crash of the cloud: a new lane takes up what was stored.
func (w *world) restart() {
	w.say("the cloud restarts")
	w.life++
	for _, s := range w.devices {
		if conn := s.socket; conn != 0 {
			s.socket = 0
			w.after(way, func() { w.feel(s, sim.Closed{}) })
		}
	}
	w.lane = lane.New(w.cfg)
	w.outs.Reset()
	for _, s := range w.devices {
		record, ok := w.saved[s.id]
		if !ok {
			continue
		}
		generation, err := dtls.NextGeneration(record.Generation, w.now)
		if err != nil {
			w.t.Fatal(err)
		}
		record.Generation = generation
		w.saved[s.id] = record
		w.cloud(lane.In{Kind: lane.Restore, Row: &lane.Restored{
			Record: record, How: session.Restoration{Generation: generation, Seed: 7, Now: w.now}, Owner: w.owners[s.id],
		}})
	}
}

// reboot cuts a device's power and gives it back: it comes back with what its
// memory keeps.
func (w *world) reboot(s *subject, keepMemory bool) {
	s.gone = true
	cfg := s.cfg
	if keepMemory {
		cfg.Memory = s.Memory()
	}
	_, _ = w.chance.Read(cfg.Seed[:])
	d, err := sim.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	if conn := s.socket; conn != 0 {
		s.socket = 0
		w.after(way, func() { w.cloud(lane.In{Kind: lane.StreamClosed, Conn: conn}) })
	}
	s.Device, s.gone = d, false
	w.feel(s, sim.PowerOn{})
}
