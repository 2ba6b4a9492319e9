package session

// Cautious tells whether the session was restored after a crash and the device
// has yet to convince it: it answers where an authentic record came from, and
// does not believe that the device is there.
func (s *Session) Cautious() bool { return s.cautious }
