package incident

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// What a person may not do.
var (
	ErrUnknown = errors.New("incident: no such incident")
	ErrClosed  = errors.New("incident: it is resolved: only words can be added")
	ErrGreener = errors.New("incident: the measurement is worse than that: dispute it instead")
	ErrNoWords = errors.New("incident: say something, and who you are")
	ErrTooLong = errors.New("incident: more than 4,096 characters")
	ErrNoPart  = errors.New("incident: no such capability")
)

const wordsMost = 4096

func itoa(n int) string { return strconv.Itoa(n) }

// Say adds a person's words. With identified the cause counts as known from
// now on. The next word is due half an hour later.
func (b *Book) Say(now time.Time, id, who, words string, identified bool) (Change, error) {
	i, err := b.spoken(id, who, words)
	if err != nil {
		return Change{}, err
	}
	if identified && i.Status == Investigating {
		i.Status = Identified
	}
	return i.said(now, Entry{Kind: Said, Who: who, Text: words}), nil
}

// Worsen sets what a person holds of a capability, which counts where it is
// worse than the measurement. Setting it to operational takes that back; what
// is better than the measurement is refused. An empty id opens an incident
// that nobody measured.
func (b *Book) Worsen(now time.Time, id, who string, c signal.Capability, s signal.Severity, words string) (Change, error) {
	if !c.Valid() || s > signal.Major {
		return Change{}, ErrNoPart
	}
	if id == "" {
		return b.declare(now, who, c, s, words)
	}
	i, err := b.spoken(id, who, words)
	if err != nil {
		return Change{}, err
	}
	if !i.Open() {
		return Change{}, ErrClosed
	}
	p := i.Part(c)
	if s == signal.Operational && (p == nil || p.Claimed == signal.Operational) || p != nil && s != signal.Operational && s < p.Measured {
		return Change{}, ErrGreener
	}
	return i.claim(now, who, c, s, words), nil
}

// declare opens an incident that a person reports.
func (b *Book) declare(now time.Time, who string, c signal.Capability, s signal.Severity, words string) (Change, error) {
	if err := fit(who, words); err != nil {
		return Change{}, err
	}
	if s == signal.Operational {
		return Change{}, ErrGreener
	}
	i := b.open(now, now, signal.ByPerson)
	i.note(Entry{At: now.UTC(), Kind: FirstFailure, Who: who, Text: "reported by a person"})
	change := i.claim(now, who, c, s, words)
	change.Kind = Opened
	return change, nil
}

// claim sets a person's severity and what follows from it.
func (i *Incident) claim(now time.Time, who string, c signal.Capability, s signal.Severity, words string) Change {
	p := i.part(c)
	from := p.Severity()
	p.Claimed = s
	p.Worst = max(p.Worst, s)
	if p.Since.IsZero() {
		p.Since = now.UTC()
	}
	if p.Severity() == signal.Operational {
		p.Until = now.UTC()
	} else {
		p.Until = time.Time{}
	}
	i.Turned = now.UTC()
	switch {
	case i.Failing() && i.Status == Monitoring:
		i.Status, i.Monitoring = Investigating, time.Time{}
	case !i.Failing() && i.Status != Monitoring:
		i.Status, i.Monitoring = Monitoring, now.UTC()
	}
	return i.said(now, Entry{Kind: Claimed, Who: who, Text: words, Shifts: []Shift{{c, from, p.Severity()}}})
}

// Dispute writes down that a person does not believe the measurement. It
// changes nothing of what is shown but that it is disputed, by whom and why.
func (b *Book) Dispute(now time.Time, id, who, words string) (Change, error) {
	i, err := b.spoken(id, who, words)
	if err != nil {
		return Change{}, err
	}
	i.Dispute = words
	return i.said(now, Entry{Kind: Disputed, Who: who, Text: words}), nil
}

// Acknowledge writes down that a person has taken it on. The first one counts.
func (b *Book) Acknowledge(now time.Time, id, who string) (Change, error) {
	i, err := b.spoken(id, who, "acknowledged")
	if err != nil {
		return Change{}, err
	}
	if i.Accepted.IsZero() {
		i.Accepted = now.UTC()
	}
	return i.event(now, Acknowledged, who, "acknowledged"), nil
}

// PageAccepted writes down that an outlet took a page for it.
func (b *Book) PageAccepted(now time.Time, id, outlet string) (Change, error) {
	return b.event(now, id, PageAccepted, outlet, "page accepted by "+outlet)
}

// Escalated writes down that somebody else is called because nobody has
// acknowledged.
func (b *Book) Escalated(now time.Time, id, text string) (Change, error) {
	return b.event(now, id, Escalated, "", text)
}

// Published writes down that the page which strangers see has it.
func (b *Book) Published(now time.Time, id, where string) (Change, error) {
	return b.event(now, id, Published, where, "published at "+where)
}

func (b *Book) event(now time.Time, id string, kind Kind, who, text string) (Change, error) {
	i := b.find(id)
	if i == nil {
		return Change{}, ErrUnknown
	}
	return i.event(now, kind, who, text), nil
}

func (i *Incident) event(now time.Time, kind Kind, who, text string) Change {
	i.note(Entry{At: now.UTC(), Kind: kind, Who: who, Text: text})
	return Change{At: now.UTC(), Kind: kind, Incident: i.clone(), Text: text}
}

// said adds an entry of a person, after which the next word is due anew.
func (i *Incident) said(now time.Time, e Entry) Change {
	e.At = now.UTC()
	i.NextBy, i.Nagged = e.At.Add(interval), time.Time{}
	i.note(e)
	return Change{At: e.At, Kind: e.Kind, Incident: i.clone(), Text: e.Text}
}

// spoken finds the incident that a person speaks of.
func (b *Book) spoken(id, who, words string) (*Incident, error) {
	if err := fit(who, words); err != nil {
		return nil, err
	}
	i := b.find(id)
	if i == nil {
		return nil, ErrUnknown
	}
	return i, nil
}

func fit(who, words string) error {
	if slices.ContainsFunc([]string{who, words}, func(s string) bool { return strings.TrimSpace(s) == "" }) {
		return ErrNoWords
	}
	if utf8.RuneCountInString(words) > wordsMost || utf8.RuneCountInString(who) > wordsMost/16 {
		return ErrTooLong
	}
	return nil
}
