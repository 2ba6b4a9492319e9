package session

import (
	"time"

	"github.com/cyan-cloud/cyan/wire/dtls"
)

// retryPersist is how long after a failed write the next one is tried, in
// milliseconds. The device repeats what it said for 60 to 90 s.
const retryPersist = 1000

// durability is what we know of what is stored. A version is the number of a
// change, and the token of the write that holds it.
type durability struct {
	version, saving, saved uint32

	nextGeneration uint32 // taken, and not yet durable; 0: none
	generationAt   uint32 // the version that makes it durable
	greetAt        uint32 // the version that Hello waits for

	savedID, savingID uint16 // message ids up to which the record goes
}

// reached tells whether the write with the token holds the version.
func reached(token, version uint32) bool { return int32(token-version) >= 0 }

// durable tells whether all that the session knows is stored, or never will be.
func (s *Session) durable() bool { return !s.lasting() || s.saved == s.version }

// lasting tells whether the session is stored at all: a stream ends with its
// process, and unknown keys are never kept.
func (s *Session) lasting() bool { return s.udp() && !s.id.IsZero() }

// persist says that the session has something new that has to last. One
// write is under way at a time; what changes meanwhile goes into the next.
func (s *Session) persist(outs *Outs) {
	if s.lasting() {
		s.version++
		s.save(outs)
	}
}

func (s *Session) save(outs *Outs) {
	if s.saving == 0 && s.saved != s.version && s.desk.clock.retryAt == 0 {
		s.saving, s.savingID = s.version, s.lastID
		outs.add(Out{Kind: Persist, Token: s.saving})
	}
}

// persisted releases what waited for the record with the token.
func (s *Session) persisted(now time.Time, token uint32, err error, outs *Outs) {
	if token == 0 || token != s.saving {
		return
	}
	s.saving = 0
	if err != nil {
		s.desk.clock.retryAt = now.UnixMilli() + retryPersist
		return
	}
	s.saved, s.savedID = token, s.savingID
	if s.nextGeneration != 0 && reached(token, s.generationAt) {
		if err := s.secure.SetGeneration(s.nextGeneration); err == nil {
			s.nextGeneration = 0
		}
	}
	if s.phase == greeting && reached(token, s.greetAt) {
		s.greet(now, outs)
	}
	s.release(now, token, outs)
	s.save(outs)
}

func (s *Session) expirePersist(now time.Time, outs *Outs) {
	if s.desk.clock.retryAt != 0 && now.UnixMilli() >= s.desk.clock.retryAt {
		s.desk.clock.retryAt = 0
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
	s.persist(outs)
	s.generationAt = s.version
}
