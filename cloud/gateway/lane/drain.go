package lane

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session"
)

// Aboard is a device that is connected by a stream, which ends with this
// process unless it is handed over.
type Aboard struct {
	Conn  uint64
	Owner account.ID
	Seen  time.Time // when it last sent something
	Busy  bool      // somebody waits for a call of it
}

// Aboard lists the devices that have a stream, and counts those on UDP, whose
// sessions outlive the process.
func (l *Lane) Aboard(now time.Time) (list []Aboard, stay int) {
	for c := range l.conns.all() {
		switch {
		case c.sess == nil || c.sess.Closed():
		case c.stream != nil:
			list = append(list, Aboard{c.id, c.owner, c.sess.State(now).LastSeen, c.sess.Calling() > 0})
		case c.saved && c.held:
			stay++
		}
	}
	return list, stay
}

// SendAway ends a connection because this process is going to stop. While
// somebody waits for a call of the device it does not, and says so.
func (l *Lane) SendAway(now time.Time, conn uint64, outs *Outs) (gone bool) {
	c := l.conns.of(conn)
	switch {
	case c == nil || c.sess == nil || c.sess.Closed():
		return true
	case c.sess.Calling() > 0:
		return false
	}
	l.step(now, c, session.In{Kind: session.Close, Reason: device.ServerShutdown}, outs)
	return true
}
