package alert

import (
	"fmt"
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// A canary that fails is sent again from where it came, beside others. Chance
// does not strike it three times in a row: it is the canary's own matter, whose
// key may be lost, or it meets the same part of the cloud each time, one lane,
// machine or shard of many, and two canaries that fail like that make it the
// cloud's. A share of one in sixteen is found in minutes so; by counting alone
// that would take some two hundred and fifty runs.
const (
	stubbornFail = 3                // in a row, with others that were well meanwhile
	stubbornFew  = 2                // canaries that are more than their own matter
	stubbornFor  = 10 * time.Minute // they have to be found within
	stubbornLook = 2 * time.Minute  // for so long others are looked for more often
	firstRuns    = 12               // of which the share tells how bad it is
	provenRuns   = 48               // that went well in a row: one in sixteen would let them all pass one time in twenty
)

// stubborn finds canaries that fail each time, of one way in.
type stubborn struct {
	streaks  map[string]*streak // of canaries whose last run failed
	found    []find             // oldest first, one of a canary
	part     bool               // it is the cloud's matter
	since    time.Time          // the first failure of that
	well     int                // runs in a row that went well
	first    []bool             // whether the latest went well, of canaries that did not fail before
	sound    map[string]bool    // canaries that were told to be well
	troubles []signal.Trouble   // that nobody has heard of yet
}

// streak is failures of one canary in a row.
type streak struct {
	failed int
	since  time.Time
	beside time.Time // another canary had gone well by then; zero: none has
	told   bool      // among what was found
	ticket bool      // those who run the watchtower know
}

// find is a canary that was found to fail each time.
type find struct {
	device, vantage, reason, evidence string

	at, since time.Time
}

// note takes a run and tells whether it counts. One that fails again while others
// were well does not: it was sent because it had failed, and says what that said.
func (s *stubborn) note(x *run) (counts bool) {
	if x.device == "" {
		return true
	}
	if s.streaks == nil {
		s.streaks, s.sound = map[string]*streak{}, map[string]bool{}
	}
	k := s.streaks[x.device]
	if k == nil {
		s.first = append(s.first[max(0, len(s.first)+1-firstRuns):], x.ok)
	}
	if x.ok {
		s.well++
		delete(s.streaks, x.device)
		for _, other := range s.streaks {
			if other.beside.IsZero() {
				other.beside = x.at
			}
		}
		if !s.sound[x.device] {
			s.sound[x.device] = true
			s.troubles = append(s.troubles, signal.Trouble{Key: canaryKey(x.device), At: x.at, Over: true})
		}
		return true
	}
	s.well = 0
	if k == nil {
		k = &streak{since: x.broke}
		s.streaks[x.device] = k
	}
	// One that had begun before others were well tells nothing of that: when an
	// outage ends, some hang that began in it.
	beside := !k.beside.IsZero() && x.began.After(k.beside)
	if k.failed++; !k.told && k.failed >= stubbornFail && beside {
		k.told = true
		s.found = slices.DeleteFunc(s.found, func(f find) bool { return f.device == x.device })
		s.found = append(s.found, find{x.device, x.vantage, x.reason, x.evidence, x.at, k.since})
	}
	return !beside
}

// ticket tells of a canary that is still the only one after others were looked
// for.
func (s *stubborn) ticket(now time.Time) {
	for _, f := range s.found {
		k := s.streaks[f.device]
		if s.part || k == nil || k.ticket || now.Sub(f.at) < stubbornLook {
			continue
		}
		s.sound[f.device], k.ticket = false, true
		s.troubles = append(s.troubles, signal.Trouble{
			Key: canaryKey(f.device), At: now, Since: f.since, Evidence: f.reason + ": " + f.evidence,
			What:   fmt.Sprintf("The canary %s of %s fails each time, and others beside it are well", f.device, f.vantage),
			Remedy: "Does the cloud still know its key? cyan doctor " + f.device,
		})
	}
}

func canaryKey(device string) string { return "canary:" + device }

// judge applies the rule. sole tells that there is one vantage only.
func (s *stubborn) judge(now time.Time, sole bool) {
	s.ticket(now)
	s.found = slices.DeleteFunc(s.found, func(f find) bool { return !s.part && now.Sub(f.at) >= stubbornFor })
	switch {
	case !s.part && len(s.found) >= stubbornFew && (sole || !s.oneVantage()):
		s.part, s.since = true, s.found[0].since
		for _, f := range s.found {
			if f.since.Before(s.since) {
				s.since = f.since
			}
		}
	case s.part && s.well >= provenRuns:
		s.part, s.found = false, nil
	}
}

// oneVantage tells that all were found at one place: it may be its own network.
func (s *stubborn) oneVantage() bool {
	return !slices.ContainsFunc(s.found, func(f find) bool { return f.vantage != s.found[0].vantage })
}

// suspect tells that more canaries have to be sent.
func (s *stubborn) suspect(now time.Time) bool {
	for _, k := range s.streaks {
		if !k.told && k.failed < stubbornFail {
			return true
		}
	}
	return s.part || slices.ContainsFunc(s.found, func(f find) bool { return now.Sub(f.at) < stubbornLook })
}

// severity is how bad it is, by the share of those who came for the first time.
func (s *stubborn) severity() signal.Severity {
	well := 0
	for _, ok := range s.first {
		if ok {
			well++
		}
	}
	return max(signal.Degraded, min(signal.Partial, severity(float64(well)/float64(max(1, len(s.first))))))
}

// why gives the reason of the last that was found, and what was seen.
func (s *stubborn) why() (reason, evidence string) {
	last := &s.found[len(s.found)-1]
	return last.reason, fmt.Sprintf("%d canaries failed each time that they came from the same place, and others beside them did not: %s", len(s.found), last.evidence)
}

// Troubles gives what was found to be wrong with canaries since it was asked
// last, or to be so no more. A canary that is well for the first time is said to
// be well: whoever has heard otherwise from a process before this one may close
// his ticket.
func (j *Judge) Troubles() (list []signal.Trouble) {
	for _, w := range j.order {
		s := &j.ways[w].stubborn
		list, s.troubles = append(list, s.troubles...), nil
	}
	list, j.troubles = append(list, j.troubles...), nil
	return list
}

// ownFault takes note of runs that failed through the canaries' own token, or
// that show that it is good.
func (j *Judge) ownFault(r *signal.Result) {
	key := "token:" + r.Vantage
	switch told, known := j.tokens[key]; {
	case r.Own && (!known || !told):
		j.tokens[key] = true
		j.troubles = append(j.troubles, signal.Trouble{
			Key: key, At: r.Ended, Since: r.Broke(), Evidence: r.Reason + ": " + r.Evidence,
			What:   "The token of the canaries of " + r.Vantage + " is refused, and another is taken: calls, variables and events are not watched",
			Remedy: "They need another token: cyan canary init",
		})
	case !r.Own && (told || !known) && usesToken(r):
		j.tokens[key] = false
		j.troubles = append(j.troubles, signal.Trouble{Key: key, At: r.Ended, Over: true})
	}
}

// usesToken tells that the API took the canaries' token.
func usesToken(r *signal.Result) bool {
	return r.Story != signal.Address && r.Story != signal.Login &&
		slices.ContainsFunc(r.Steps, func(s signal.Step) bool { return s.Name == signal.StepAsk && s.OK })
}
