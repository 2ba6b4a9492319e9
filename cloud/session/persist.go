package session

import (
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
)

// retryPersist is how long after a failed write the next one is tried, in
// milliseconds. The device repeats what it said for 60 to 90 s.
const retryPersist = 1000

// persist says that the session has something new that has to last. One
// write is under way at a time; what changes meanwhile goes into the next.
func (s *Session) persist(_ time.Time, outs *Outs) {
	if !s.udp || s.id.IsZero() {
		return // a stream ends with its process; unknown keys are never kept
	}
	s.version++
	s.save(outs)
}

func (s *Session) save(outs *Outs) {
	if s.saving == 0 && s.saved != s.version && s.retryAt == 0 {
		s.saving = s.version
		outs.add(Out{Kind: Persist, Token: s.saving})
	}
}

// persisted releases what waited for the record with the token.
func (s *Session) persisted(now time.Time, token uint32, err error, outs *Outs) {
	if token != s.saving {
		return
	}
	s.saving = 0
	if err != nil {
		s.retryAt = now.UnixMilli() + retryPersist
		return
	}
	s.saved = token
	if s.nextGeneration != 0 && int32(token-s.generationAt) >= 0 {
		if err := s.secure.SetGeneration(s.nextGeneration); err == nil {
			s.nextGeneration = 0
		}
	}
	n := 0
	for _, h := range s.held {
		if int32(token-h.version) >= 0 {
			s.reply(now, h.id, h.message, outs)
			continue
		}
		s.held[n] = h
		n++
	}
	s.held = s.held[:n]
	if n == 0 {
		s.held = nil
	}
	s.save(outs)
}

func (s *Session) expirePersist(now time.Time, outs *Outs) {
	if s.retryAt != 0 && now.UnixMilli() >= s.retryAt {
		s.retryAt = 0
		s.save(outs)
	}
}

// takeGeneration asks for the next generation to be made durable; it is used
// from then on.
func (s *Session) takeGeneration(now time.Time, outs *Outs) {
	if s.nextGeneration != 0 {
		return
	}
	next, err := dtls.NextGeneration(s.secure.Generation(), now)
	if err != nil {
		return // in the year 2060: the device will have to shake hands
	}
	s.nextGeneration = next
	s.persist(now, outs)
	s.generationAt = s.version
}
