// Package schedule says what a simulated cloud has to live through: how many
// devices, how slow it is, and what goes wrong when, drawn from a seed or read
// from a file.
package schedule

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// Plan says what a run is made of.
type Plan struct {
	Seed    uint64
	Devices int
	Lanes   int
	Pace    time.Duration // between two calls of anybody
	Faults  []Fault       // in the order of their times
	History bool          // events are kept before they are acknowledged
	// Handshakes on TCP that the cloud can begin in a second; zero: any number.
	Handshakes int
	Knocks     int     // parts of handshakes on UDP that a lane can take in a second; zero: any number
	Places     int     // in each queue; zero: as many as the gateway has
	Trust      bool    // every second device is registered by nobody, and trusted on first use
	Coda       bool    // after all, the cloud is killed once more on a good network
	Without    Defence // one that is switched off; zero: none

	Trace io.Writer // gets every line of the journal; nil: nobody does
	Wire  bool      // and every message
}

// Defence is something that keeps an invariant.
type Defence string

// The defences that can be switched off. Production code has a switch for one of
// them, the hold; the others are switched off in what is modelled here, or in
// what is done with what production code says.
const (
	Generation      Defence = "generation"       // taken, and not made durable
	GenerationClock Defence = "generation-clock" // not above what an older database may have forgotten
	Fence           Defence = "fence"            // an older session may write over a newer one
	Supersession    Defence = "supersession"     // the older is not told to let go
	Durability      Defence = "durability"       // acknowledged before it is on the disk
	Describe        Defence = "describe"         // the same, of all but the keys
	Acknowledgement Defence = "acknowledgement"  // an event is acknowledged before it is in the history
	Caution         Defence = "caution"          // a session is believed at once after a crash
	Reset           Defence = "reset"            // a start-up that was cut short goes on as if it were complete
	Resumption      Defence = "resumption"       // restored sessions start over
	Sweep           Defence = "sweep"            // nobody asks restored sessions for a sign of life
	Hold            Defence = "hold"             // devices that cannot be let in are refused at once
	Bound           Defence = "bound"            // queues have no end, and who has given up is served all the same
	Fairness        Defence = "fairness"         // products take no turns
	Door            Defence = "door"             // the port stays open when nobody can be let in
	Ahead           Defence = "ahead"            // what has changed since it was sent to the heir is not sent again
	Unchanged       Defence = "unchanged"        // an answer of the store is taken although the device has changed hands
	Silence         Defence = "silence"          // what is shown of a device does not change when it falls silent
	Proof           Defence = "proof"            // what a device says is taken for proof that it hears
	Presence        Defence = "presence"         // a device that was gone is not shown when it comes back
	Once            Defence = "once"             // a call without an answer is sent again
	Honesty         Defence = "honesty"          // a call that was lost is said not to have been sent
)

// Fault is one thing that goes wrong.
type Fault struct {
	At   time.Duration // after the start
	Kind Trouble
	For  time.Duration // how long it lasts
	Seed uint64        // of what it still draws, such as which devices
}

func (f Fault) String() string {
	return fmt.Sprintf("%v %s for %v (%d)", f.At.Round(time.Millisecond), f.Kind, f.For.Round(time.Millisecond), f.Seed)
}

// ParseFault reads what String wrote.
func ParseFault(text string) (f Fault, err error) {
	var at, kind, lasts string
	if _, err = fmt.Sscanf(text, "%s %s for %s (%d)", &at, &kind, &lasts, &f.Seed); err != nil {
		return f, err
	}
	f.Kind = Trouble(kind)
	if f.At, err = time.ParseDuration(at); err == nil {
		f.For, err = time.ParseDuration(lasts)
	}
	return f, err
}

// String puts the plan into words, for ParsePlan.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\ndevices %d\nlanes %d\npace %v\nhistory %t\ncoda %t\n", p.Seed, p.Devices, p.Lanes, p.Pace, p.History, p.Coda)
	for _, n := range p.numbers() {
		if *n.value > 0 {
			fmt.Fprintf(&b, "%s %d\n", n.name, *n.value)
		}
	}
	if p.Trust {
		fmt.Fprintln(&b, "trust true")
	}
	for _, f := range p.Faults {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// numbers are those that are zero in most plans.
func (p *Plan) numbers() []number {
	return []number{{"handshakes", &p.Handshakes}, {"knocks", &p.Knocks}, {"places", &p.Places}}
}

type number struct {
	name  string
	value *int
}

// ParsePlan reads what String wrote. Empty lines and those that begin with # are
// left out.
func ParsePlan(text string) (*Plan, error) {
	p := &Plan{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		word, value, _ := strings.Cut(line, " ")
		var err error
		switch word {
		case "seed":
			_, err = fmt.Sscan(value, &p.Seed)
		case "devices":
			_, err = fmt.Sscan(value, &p.Devices)
		case "lanes":
			_, err = fmt.Sscan(value, &p.Lanes)
		case "pace":
			p.Pace, err = time.ParseDuration(value)
		case "handshakes", "knocks", "places":
			for _, n := range p.numbers() {
				if n.name == word {
					_, err = fmt.Sscan(value, n.value)
				}
			}
		case "trust":
			p.Trust = value == "true"
		case "history":
			p.History = value == "true"
		case "coda":
			p.Coda = value == "true"
		default:
			var f Fault
			f, err = ParseFault(line)
			p.Faults = append(p.Faults, f)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
	}
	return p, nil
}

// WarmUp is the beginning of a run: devices are switched on within half of it.
const WarmUp = 60 * time.Second

// NewPlan draws a run from a seed.
func NewPlan(seed uint64) *Plan {
	r := rand.New(rand.NewPCG(seed, 0x706c616e))
	p := &Plan{
		Seed: seed, Devices: 20 + r.IntN(60), Lanes: 1 + r.IntN(4), Coda: r.IntN(3) == 0, History: r.IntN(2) == 0,
		Pace: time.Duration(300+r.IntN(1500)) * time.Millisecond,
	}
	if seed%5 == 0 {
		p.Devices = 150 + r.IntN(150)
	}
	if r.IntN(3) == 0 {
		p.Handshakes = 4 + r.IntN(40)
	}
	if r.IntN(3) == 0 {
		p.Knocks = 20 + r.IntN(200)
	}
	if r.IntN(3) == 0 {
		p.Places = 4 + r.IntN(60)
	}
	p.Trust = r.IntN(4) == 0
	mean := time.Duration(20+r.IntN(160)) * time.Second
	end := WarmUp + time.Duration(5+r.IntN(25))*time.Minute
	for at := WarmUp; ; {
		at += time.Duration(r.ExpFloat64() * float64(mean))
		if at > end {
			return p
		}
		p.Faults = append(p.Faults, drawFault(r, at))
	}
}

// drawFault draws what goes wrong at a time.
func drawFault(r *rand.Rand, at time.Duration) Fault {
	sum := 0
	for _, t := range troubles {
		sum += t.weight
	}
	n := r.IntN(sum)
	for _, t := range troubles {
		if n -= t.weight; n < 0 {
			lasts := t.least + time.Duration(r.Int64N(int64(t.most-t.least)+1))
			return Fault{At: at.Truncate(time.Millisecond), Kind: t.kind, For: lasts.Truncate(time.Millisecond), Seed: r.Uint64N(1e6)}
		}
	}
	panic("no trouble")
}

// Queue is how many may wait in a queue, by the plan.
func (p *Plan) Queue(usual int) int {
	if p.Places > 0 {
		return p.Places
	}
	return usual
}

// Class is what the queue is told, for a class of a knocking device's.
func (p *Plan) Class(of uint64) uint64 {
	if p.Without == Fairness {
		return 0
	}
	return of
}

// Product gives every eighth device another product than the rest.
func Product(i int) uint16 {
	if i%8 == 0 {
		return 2000
	}
	return 1000
}
