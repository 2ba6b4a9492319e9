package outage

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const (
	maxSlices = 1000
	// maxFacts is of how many devices of a minute it is looked up what they
	// are: one look for each minute, whoever asks how often.
	maxFacts    = 5000
	factsWithin = 2 * time.Second
)

// Gauges are what is true now.
type Gauges interface {
	// Count gives how many devices are connected, and how many do not answer.
	Count() (connected, limbo int)
	// Routed gives how many a call finds.
	Routed() int
}

// Absent gives how many devices were lost since a time and are not back, and
// how many of those that do not answer need somebody to go there.
type Absent func(since time.Time) (missing, listed int)

// Facts is what the database knows of devices.
type Facts interface {
	DevicesByID(ctx context.Context, ids []device.ID) ([]device.Device, error)
	CountSessions(ctx context.Context) (int, error)
}

// Signals answers GET /v1/signals. Its first four fields must be set.
type Signals struct {
	Counts *Counts
	Gauges Gauges
	Facts  Facts
	Node   string
	Now    func() time.Time       // nil: time.Now
	Absent Absent                 // nil: nobody is missed
	Lately func() []rest.Recovery // how devices come back; nil: nobody counts

	mu   sync.Mutex   // guards what follows
	made rest.Signals // of the last full minute
}

// Serve answers.
func (s *Signals) Serve(w http.ResponseWriter, r *web.Request) error {
	now := time.Now()
	if s.Now != nil {
		now = s.Now()
	}
	answer := s.of(r.Context(), now)
	if s.Lately != nil {
		answer.Recoveries = s.Lately()
	}
	if text := r.URL.Query().Get("since"); text != "" && s.Absent != nil {
		since, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return web.Malformed("the parameter since is not a date of the form 2026-01-31T12:00:00Z")
		}
		missing, listed := s.Absent(since)
		answer.Sessions.Missing, answer.Sessions.Listed = &missing, &listed
	}
	return web.Answer(w, http.StatusOK, answer)
}

// of gives what was counted in the last full minute before now.
func (s *Signals) of(ctx context.Context, now time.Time) rest.Signals {
	m := s.Counts.full(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if m == nil {
		s.made = rest.Signals{Attempts: []rest.AttemptSlice{}}
	} else if !s.made.From.Equal(m.from) {
		s.made = s.sum(ctx, m)
	}
	answer := s.made
	answer.Node = s.Node
	answer.Sessions.Connected, answer.Sessions.Limbo = s.Gauges.Count()
	answer.Sessions.Routed = s.Gauges.Routed()
	return answer
}

// sum makes slices of a minute. Without the database they have no products and
// no owners, and are no worse.
func (s *Signals) sum(ctx context.Context, m *minute) rest.Signals {
	ctx, cancel := context.WithTimeout(ctx, factsWithin)
	defer cancel()
	made := rest.Signals{
		From: rest.At(m.from), Until: rest.At(m.from.Add(window)), Lost: m.lost, Uncounted: m.uncounted,
		Calls: m.calls, API: m.api, Logins: m.logins,
	}
	if !s.Counts.born.Before(m.from) {
		made.Restarts = 1
	}
	if n, err := s.Facts.CountSessions(ctx); err == nil {
		made.Sessions.Stored = &n
	}
	facts := map[device.ID]*device.Device{}
	var ids []device.ID
	for p := range m.peers {
		if !p.id.IsZero() && len(ids) < maxFacts {
			ids = append(ids, p.id)
		}
	}
	if list, err := s.Facts.DevicesByID(ctx, ids); err == nil {
		for i := range list {
			facts[list[i].ID] = &list[i]
		}
	}
	made.Attempts, made.Coarse = slice(m.peers, facts)
	return made
}

// slot is what the devices of a slice have in common.
type slot struct {
	gateway, transport, product, firmware string
	network                               netip.Prefix
	account                               account.ID
}

// slice counts the peers in slices. What makes too many of them is left out.
func slice(peers map[peer]trial, facts map[device.ID]*device.Device) (list []rest.AttemptSlice, coarse []string) {
	for _, leave := range []string{"", "account", "network", "firmware"} {
		if leave != "" {
			coarse = append(coarse, leave)
		}
		slots := map[slot]rest.SignalTally{}
		for p, t := range peers {
			at := slotOf(&t, facts[p.id], coarse)
			n := slots[at]
			if t.failed {
				n.Failed++
			} else {
				n.OK++
			}
			slots[at] = n
		}
		if len(slots) <= maxSlices || leave == "firmware" {
			return shown(slots), coarse
		}
	}
	return nil, nil // not reached
}

func slotOf(t *trial, d *device.Device, coarse []string) slot {
	s := slot{gateway: t.gateway, transport: t.transport, network: t.network}
	if d != nil {
		s.product, s.firmware, s.account = number(d.ProductID), number(d.Firmware), d.Owner
	}
	for _, word := range coarse {
		switch word {
		case "account":
			s.account = ""
		case "network":
			s.network = netip.Prefix{}
		case "firmware":
			s.firmware = ""
		}
	}
	return s
}

func number(n uint16) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

// shown gives slices as they are answered, those with most failures first and
// no more than maxSlices.
func shown(slots map[slot]rest.SignalTally) []rest.AttemptSlice {
	list := make([]rest.AttemptSlice, 0, len(slots))
	for s, n := range maps.All(slots) {
		v := rest.AttemptSlice{
			Gateway: s.gateway, Transport: s.transport, Product: s.product, Firmware: s.firmware, Account: string(s.account), SignalTally: n,
		}
		if s.network.IsValid() {
			v.Network = s.network.String()
		}
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b rest.AttemptSlice) int {
		return cmp.Or(cmp.Compare(b.Failed, a.Failed), cmp.Compare(b.OK, a.OK), cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.Transport, b.Transport),
			cmp.Compare(a.Product, b.Product), cmp.Compare(a.Firmware, b.Firmware), cmp.Compare(a.Network, b.Network), cmp.Compare(a.Account, b.Account))
	})
	return list[:min(len(list), maxSlices)]
}
