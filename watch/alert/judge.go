package alert

import (
	"cmp"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Config says what a judge has to go by.
type Config struct {
	// Vantages is how many places canaries look from. One makes the judge go by
	// the rule for a single vantage.
	Vantages int
}

// Judge says how bad it is. It belongs to one goroutine.
type Judge struct {
	cfg     Config
	ways    map[way]*runs
	order   []way // of ways, always the same
	minutes map[signal.Capability]*minutes
	traffic map[signal.Capability]*load
	crowd   crowd
	blind   map[string]time.Time // vantages whose own network failed, and when they said so last
	seen    map[string]time.Time // vantages, and when they said anything last
	names   []string             // of vantages, in the order in which they came
	held    map[signal.Capability]signal.Judgement

	tokens   map[string]bool  // vantages, by key, and whether their token was told to be refused
	troubles []signal.Trouble // of canaries, that nobody has heard of yet
}

// New makes a judge who holds that all is well.
func New(cfg Config) *Judge {
	return &Judge{
		cfg: cfg, ways: map[way]*runs{}, minutes: make(map[signal.Capability]*minutes), traffic: make(map[signal.Capability]*load),
		blind: map[string]time.Time{}, seen: map[string]time.Time{}, held: make(map[signal.Capability]signal.Judgement),
		tokens: map[string]bool{},
	}
}

// Note takes what became of a canary's run.
func (j *Judge) Note(r *signal.Result) {
	if r.Drill {
		return
	}
	j.seen[r.Vantage] = r.Ended
	if r.Blind {
		j.blind[r.Vantage] = r.Ended
		return
	}
	delete(j.blind, r.Vantage)
	j.ownFault(r)
	for _, reading := range r.Readings() {
		x := run{
			began: r.Started, at: r.Ended, broke: r.Broke(), drag: r.Dragged(reading.Capability), vantage: r.Vantage, ok: reading.OK, reason: r.Reason, evidence: r.Evidence,
		}
		if reading.Capability == signal.ConnectTCP || reading.Capability == signal.ConnectUDP {
			x.device = r.Device
		}
		if !j.way(way{reading.Capability, r.Ingress, r.Story == signal.Held}).note(x) {
			continue
		}
		m := j.minutes[reading.Capability]
		if m == nil {
			m = new(minutes)
			j.minutes[reading.Capability] = m
		}
		m.note(r.Ended, r.Broke(), reading.OK, j.bit(r.Vantage))
	}
}

// bit gives the vantage's place in a set of vantages.
func (j *Judge) bit(vantage string) uint64 {
	at := slices.Index(j.names, vantage)
	if at < 0 {
		at = len(j.names)
		j.names = append(j.names, vantage)
	}
	return 1 << min(at, 63)
}

// Slow takes note that a run which has not ended yet takes longer than runs do:
// it is suspect until one ends well.
func (j *Judge) Slow(c signal.Capability, ingress string, at time.Time) {
	j.way(way{c, ingress, false}).slow = at
}

func (j *Judge) way(w way) *runs {
	r := j.ways[w]
	if r == nil {
		r = new(runs)
		j.ways[w] = r
		j.order = append(j.order, w)
		slices.SortFunc(j.order, func(a, b way) int {
			return cmp.Or(cmp.Compare(a.capability, b.capability), cmp.Compare(a.ingress, b.ingress), compare(a.held, b.held))
		})
	}
	return r
}

// Suspect tells whether a capability, by one way in, is to be looked at more
// often than it is.
func (j *Judge) Suspect(now time.Time, c signal.Capability, ingress string) bool {
	for _, held := range []bool{false, true} {
		if r := j.ways[way{c, ingress, held}]; r != nil && (r.suspect(j.sole(now)) || r.stubborn.suspect(now)) {
			return true
		}
	}
	return false
}

// compare puts what is not before what is.
func compare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// sole tells that what one vantage sees has to do: there is one, or only one
// that sees anything.
func (j *Judge) sole(now time.Time) bool {
	sighted := 0
	for v, at := range j.seen {
		if _, blind := j.blind[v]; !blind && now.Sub(at) < stale {
			sighted++
		}
	}
	return j.cfg.Vantages <= 1 || sighted <= 1
}

// Blind tells that nobody can tell: every vantage that there is has lost its
// own network, or none has said anything for minutes.
func (j *Judge) Blind(now time.Time) bool {
	for v, at := range j.seen {
		if _, blind := j.blind[v]; !blind && now.Sub(at) < stale {
			return false
		}
	}
	return len(j.seen) > 0
}

// Judge gives what has changed since it was asked last, in the order of the
// page. It is asked every second.
func (j *Judge) Judge(now time.Time) []signal.Judgement {
	sole, blind := j.sole(now), j.Blind(now)
	for _, w := range j.order {
		r := j.ways[w]
		was := r.down
		if r.judge(now, sole); was && !r.down {
			// What failed in an outage has been told; the second line begins anew.
			j.minutes[w.capability] = new(minutes)
		}
	}
	var changed []signal.Judgement
	for _, c := range signal.Capabilities() {
		before, known := j.held[c]
		after := j.of(c, now, sole)
		if blind {
			// What was held to be true is not made better, and not worse, by nobody
			// looking.
			after = before
			after.Capability, after.At, after.Blind = c, now, true
		}
		if known && after.Severity == before.Severity && after.Suspect == before.Suspect && after.Blind == before.Blind {
			continue
		}
		if !known && after.Severity == signal.Operational && !after.Suspect && !after.Blind {
			continue
		}
		j.held[c] = after
		changed = append(changed, after)
	}
	return changed
}

// of is what is true of a capability now.
func (j *Judge) of(c signal.Capability, now time.Time, sole bool) signal.Judgement {
	v := signal.Judgement{At: now, Capability: c, By: signal.ByCanary}
	for _, w := range j.order {
		r := j.ways[w]
		if w.capability != c {
			continue
		}
		v.Suspect = v.Suspect || r.suspect(sole)
		if since := r.sound(now); !w.held && since.After(v.Mended) {
			v.Mended = since
		}
		if !r.down {
			if r.well.After(v.Well) {
				v.Well = r.well
			}
			continue
		}
		s := max(signal.Partial, severity(r.success(sole)))
		if s < v.Severity {
			continue
		}
		v.Severity, v.Vantages = s, r.vantages()
		v.Failed, v.Tried = r.failed(manyRuns), len(r.last)
		if v.Since.IsZero() || r.since.Before(v.Since) {
			v.Since = r.since
		}
		v.Reason, v.Evidence = r.why()
	}
	v.Severity = j.spared(c, v.Severity)
	j.parted(c, &v)
	if m := j.minutes[c]; m != nil && v.Severity == signal.Operational && m.burning(now, sole) {
		v.Severity, v.Since = signal.Degraded, m.began(now)
		v.Failed, v.Tried = m.share(now, time.Hour)
	}
	j.accuse(c, now, &v)
	return v
}

// parted says that a part of those who come anew fails each time.
func (j *Judge) parted(c signal.Capability, v *signal.Judgement) {
	for _, w := range j.order {
		r := j.ways[w]
		if w.capability != c || !r.stubborn.part || v.Severity > signal.Operational {
			continue
		}
		v.Severity, v.Since, v.Vantages = r.stubborn.severity(), r.stubborn.since, r.vantages()
		v.Failed, v.Tried = r.failed(manyRuns), len(r.last)
		v.Reason, v.Evidence = r.stubborn.why()
	}
}

// spared makes it partial where some ways in still work: an outage of one
// gateway of two is no major one.
func (j *Judge) spared(c signal.Capability, s signal.Severity) signal.Severity {
	if s < signal.Major {
		return s
	}
	for w, r := range j.ways {
		if w.capability == c && !r.down && len(r.last) > 0 && r.failed(manyRuns) == 0 {
			return signal.Partial
		}
	}
	return s
}
