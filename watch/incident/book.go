package incident

import (
	"crypto/sha256"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Book holds the incidents. It belongs to one goroutine.
type Book struct {
	all      []*Incident // oldest first
	blind    time.Time   // since when nobody can tell; zero: somebody can
	measured map[signal.Capability]bool
	doubted  map[signal.Capability]bool // whose runs are not as they should be, though too few fail to say more
}

// NewBook makes an empty book. Replay fills it with what a journal kept.
func NewBook() *Book { return &Book{doubted: make(map[signal.Capability]bool)} }

// Replay brings back what a change said. Changes are replayed in the order in
// which they were made.
func (b *Book) Replay(c Change) {
	switch c.Kind {
	case Blind:
		b.blind = c.At
	case Sighted:
		b.blind = time.Time{}
	default:
		kept := c.Incident.clone()
		if i := b.find(kept.ID); i != nil {
			*i = kept
		} else {
			b.all = append(b.all, &kept)
		}
	}
}

// List gives all incidents, newest first. They are copies.
func (b *Book) List() []Incident {
	list := make([]Incident, 0, len(b.all))
	for _, i := range slices.Backward(b.all) {
		list = append(list, i.clone())
	}
	return list
}

// Get gives an incident by its id or its number.
func (b *Book) Get(id string) (Incident, error) {
	i := b.find(id)
	if i == nil {
		return Incident{}, ErrUnknown
	}
	return i.clone(), nil
}

// Measure says which capabilities are measured at all; before that, all count
// as measured. Of what is not, no incident says that it works.
func (b *Book) Measure(list []signal.Capability) {
	b.measured = make(map[signal.Capability]bool)
	for _, c := range list {
		b.measured[c] = true
	}
}

// Blind tells since when nobody can tell how the cloud is; zero: somebody can.
func (b *Book) Blind() time.Time { return b.blind }

// Severities gives what incidents say of capabilities now; one that nothing is
// said of is operational, as far as it is measured.
func (b *Book) Severities() map[signal.Capability]signal.Severity {
	of := make(map[signal.Capability]signal.Severity)
	for _, i := range b.all {
		for at := range i.Parts {
			p := &i.Parts[at]
			of[p.Capability] = max(of[p.Capability], p.Severity())
		}
	}
	return of
}

func (b *Book) find(id string) *Incident {
	for _, i := range slices.Backward(b.all) {
		if i.ID == id || "#"+itoa(i.Number) == "#"+strings.TrimPrefix(id, "#") {
			return i
		}
	}
	return nil
}

// Apply takes what has changed of the judgement, which may be nothing, and the
// newest count of devices, and gives what that changed. It is called every
// second: time alone closes incidents and makes words overdue.
func (b *Book) Apply(now time.Time, judged []signal.Judgement, r Recovery) []Change {
	t := turn{book: b, now: now}
	for at := range judged {
		t.take(&judged[at])
	}
	for _, i := range b.all {
		if i.Open() && i.hits() {
			i.Recovery.follow(r)
			i.recovered()
		}
	}
	b.others()
	changes := t.end()
	for _, i := range b.all {
		if i.Open() {
			doubted := slices.ContainsFunc(i.Parts, func(p Part) bool { return b.doubted[p.Capability] })
			changes = append(changes, i.advance(now, doubted)...)
		}
	}
	return changes
}

// others tells each open incident what fails in another one and what nobody
// measures, so that it never says of these that they work.
func (b *Book) others() {
	now := b.Severities()
	for _, i := range b.all {
		if !i.Open() {
			continue
		}
		i.Elsewhere, i.Unmeasured = nil, nil
		for _, c := range signal.Capabilities() {
			if b.measured != nil && !b.measured[c] {
				i.Unmeasured = append(i.Unmeasured, c)
			}
			if p := i.Part(c); now[c] > signal.Operational && (p == nil || p.Severity() == signal.Operational) {
				i.Elsewhere = append(i.Elsewhere, c)
			}
		}
	}
}

// turn is one application of judgements: whatever they change of an incident is
// one change.
type turn struct {
	book    *Book
	now     time.Time
	touched []*touch
	sight   []Change
}

// touch is what a turn did to an incident.
type touch struct {
	incident                *Incident
	opened, reopened, named bool
	shifts                  []Shift
}

func (t *turn) touch(i *Incident) *touch {
	for _, w := range t.touched {
		if w.incident == i {
			return w
		}
	}
	w := &touch{incident: i}
	t.touched = append(t.touched, w)
	return w
}

// take does what a judgement asks for.
func (t *turn) take(j *signal.Judgement) {
	if j.Blind != !t.book.blind.IsZero() {
		t.look(j.Blind)
	}
	if j.Blind {
		return // nothing is made better, or worse, by nobody looking
	}
	t.book.doubted[j.Capability] = j.Suspect
	if j.Severity == signal.Operational {
		t.ease(j)
		return
	}
	w := t.touch(t.home(j))
	i := w.incident
	p := i.part(j.Capability)
	t.shift(w, p, j.Severity)
	if p.Since.IsZero() || !p.Until.IsZero() {
		p.Since, p.Until, p.Mended = j.Since, time.Time{}, time.Time{}
	}
	p.Failed, p.Tried, p.Vantages = j.Failed, j.Tried, max(p.Vantages, j.Vantages)
	p.Reason, p.Evidence = j.Reason, j.Evidence
	if !w.reopened && j.Since.Before(i.Began) && !j.Since.IsZero() {
		i.Began = j.Since
	}
	w.named = w.named || i.blame(j.Culprits)
}

// look takes note that nobody can tell any more, or somebody can again.
func (t *turn) look(blind bool) {
	if blind {
		t.book.blind = t.now
		t.sight = append(t.sight, Change{At: t.now, Kind: Blind, Text: "Monitoring is blind: no vantage can tell how the cloud is. Treat everything as unknown."})
		return
	}
	t.sight = append(t.sight, Change{At: t.now, Kind: Sighted, Text: "Monitoring sees again; it was blind since " + Clock(t.book.blind, t.now) + "."})
	t.book.blind = time.Time{}
}

// ease takes note that a capability works again.
func (t *turn) ease(j *signal.Judgement) {
	for _, i := range t.book.all {
		if p := i.Part(j.Capability); p != nil && p.Measured > signal.Operational {
			t.shift(t.touch(i), p, signal.Operational)
			p.Until, p.Mended = j.At, j.Mended
			if j.Well.After(p.Since) && j.Well.Before(j.At) {
				p.Until = j.Well // it takes a while until it is sure
			}
			if p.Mended.After(p.Until) {
				p.Mended = p.Until
			}
		}
	}
}

// shift sets what is measured of a part.
func (t *turn) shift(w *touch, p *Part, to signal.Severity) {
	from := p.Severity()
	p.Measured = to
	p.Worst = max(p.Worst, to)
	if from != p.Severity() {
		w.shifts = append(w.shifts, Shift{p.Capability, from, p.Severity()})
	}
}

// home finds the incident that a failure belongs to, or opens one.
func (t *turn) home(j *signal.Judgement) *Incident {
	for _, i := range slices.Backward(t.book.all) {
		if !i.Monitoring.IsZero() && t.now.Sub(i.Monitoring) >= again || i.Monitoring.IsZero() && !i.Open() {
			continue
		}
		if !i.claims(j, t.now) {
			continue
		}
		if !i.Monitoring.IsZero() {
			i.Monitoring, i.Resolved = time.Time{}, time.Time{}
			i.Status = Investigating
			if len(i.Culprits) > 0 {
				i.Status = Identified
			}
			t.touch(i).reopened = true
		}
		return i
	}
	i := t.book.open(t.now, j.Since, j.By)
	t.touch(i).opened = true
	return i
}

// claims tells whether a failure is the incident's: of the same capability,
// near in time, a consequence of what fails, or with the same culprit.
func (i *Incident) claims(j *signal.Judgement, now time.Time) bool {
	if i.Part(j.Capability) != nil || now.Sub(i.Turned) < again {
		return true
	}
	for at := range i.Parts {
		if p := &i.Parts[at]; p.Severity() > signal.Operational && slices.Contains(consequences[p.Capability], j.Capability) {
			return true
		}
	}
	for _, c := range j.Culprits {
		if slices.ContainsFunc(i.Culprits, func(k signal.Culprit) bool { return k.What == c.What }) {
			return true
		}
	}
	return false
}

// consequences are what ends to work, sooner or later, when something else
// does: devices that cannot connect are not called.
var consequences = map[signal.Capability][]signal.Capability{ //nolint:exhaustive // what nothing else hangs on has no row
	signal.ConnectTCP: {signal.Connected, signal.Calls, signal.Variables, signal.Events},
	signal.ConnectUDP: {signal.Connected, signal.Calls, signal.Variables, signal.Events},
	signal.Connected:  {signal.Calls, signal.Variables, signal.Events},
	signal.API:        {signal.Calls, signal.Variables, signal.Events, signal.Console},
}

// open adds an incident to the book.
func (b *Book) open(now, began time.Time, by signal.Witness) *Incident {
	if began.IsZero() || began.After(now) {
		began = now
	}
	number := 1
	if len(b.all) > 0 {
		number = b.all[len(b.all)-1].Number + 1
	}
	i := &Incident{
		ID: shortID("incident", began, number), Number: number, Status: Investigating, By: by,
		Began: began.UTC(), Detected: now.UTC(), Turned: now.UTC(), Updated: now.UTC(), NextBy: now.UTC().Add(interval),
	}
	b.all = append(b.all, i)
	return i
}

// shortID makes an id of twelve letters and digits that is always the same.
func shortID(kind string, at time.Time, number int) string {
	sum := sha256.Sum256([]byte(kind + at.UTC().Format(time.RFC3339Nano) + itoa(number)))
	text := new(big.Int).SetBytes(sum[:]).Text(36)
	return text[len(text)-12:]
}

// enough is the part of the failures that a culprit explains when the fault
// counts as identified.
const enough = 0.8

// blame takes what the failures have in common, and tells whether that
// identifies the fault.
func (i *Incident) blame(culprits []signal.Culprit) bool {
	if len(culprits) == 0 {
		return false
	}
	i.Culprits = slices.Clone(culprits)
	if i.Status != Investigating || culprits[0].Explains < enough {
		return false
	}
	i.Status = Identified
	return true
}

// end gives what the turn changed: one change for each incident.
func (t *turn) end() []Change {
	changes := t.sight
	for _, w := range t.touched {
		i := w.incident
		kind := w.kind()
		if kind == "" {
			continue
		}
		i.Turned, i.NextBy, i.Nagged = t.now.UTC(), t.now.UTC().Add(interval), time.Time{}
		if kind == Opened {
			i.note(Entry{At: i.Began, Kind: FirstFailure, Text: "first failure, seen by " + string(i.By)})
		}
		if kind == Fixed {
			i.Status, i.Monitoring = Monitoring, i.well(t.now)
		}
		changes = append(changes, i.turned(t.now, kind, w.shifts))
	}
	return changes
}

// kind says in one word what the turn did.
func (w *touch) kind() Kind {
	switch {
	case w.opened:
		return Opened
	case w.reopened:
		return Reopened
	case len(w.shifts) > 0 && !w.incident.Failing():
		return Fixed
	case slices.ContainsFunc(w.shifts, func(s Shift) bool { return s.To > s.From }):
		return Worsened
	case len(w.shifts) > 0:
		return Eased
	case w.named:
		return Named
	default:
		return ""
	}
}

// turned writes down what happened, in words that are computed.
func (i *Incident) turned(now time.Time, kind Kind, shifts []Shift) Change {
	e := Entry{At: now.UTC(), Since: i.since(kind, now), Kind: kind, Text: i.Words(now), Shifts: shifts}
	i.note(e)
	return Change{At: e.At, Kind: kind, Incident: i.clone(), Text: e.Text}
}

// advance does what time and the count of devices ask for.
func (i *Incident) advance(now time.Time, doubted bool) []Change {
	var changes []Change
	if i.Status == Monitoring {
		if i.Milestones().AllCallable.IsZero() && i.Recovery.At.After(i.Turned) && i.Recovery.Over() {
			changes = append(changes, i.turned(now, AllCallable, nil))
		}
		if i.mayClose(now, doubted) {
			i.Status, i.Resolved = Resolved, now.UTC()
			return append(changes, i.turned(now, Closed, nil))
		}
	}
	if i.Overdue(now) && (i.Nagged.IsZero() || now.Sub(i.Nagged) >= interval) {
		i.Nagged = now.UTC()
		changes = append(changes, i.turned(now, Overdue, nil))
	}
	return changes
}
