package gateway

import (
	"context"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/gateway/roster"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// shelf is a store that writes down whose records it was given.
type shelf struct{ cids [][8]byte }

func (s *shelf) SaveSession(row store.SessionRow, done func(error)) bool {
	s.cids = append(s.cids, row.CID)
	done(nil)
	return true
}

func (s *shelf) AdoptSessions(context.Context, time.Time, func(store.SessionRow) error) error {
	return nil
}
func (s *shelf) DeleteSession(store.SessionRow, func(error)) bool { return true }
func (s *shelf) Seen(store.DeviceUpdate) bool                     { return true }
func (s *shelf) AddAttempt(device.Attempt) bool                   { return true }

// TestOldKeysStayOld lets a device shake hands anew while its old session
// still has something to store: the new keys must not be written over.
func TestOldKeysStayOld(t *testing.T) {
	records := &shelf{}
	g := &Gateway{cfg: Config{Records: records}, table: roster.New()}
	r := &runner{g: g, mail: newMailbox()}
	id := device.ID{1}
	save := func(conn uint64, token uint32, cid byte) {
		r.save(time.Unix(0, 0), &lane.Out{Kind: lane.Save, Conn: conn, Token: token, Record: &session.Record{Device: id, CID: [8]byte{cid}}})
	}
	save(1, 0, 1) // the first handshake
	save(1, 1, 1) // its describe
	save(2, 0, 2) // the device shakes hands again
	save(1, 2, 1) // the old session has moved
	save(2, 1, 2)
	if got := string(flat(records.cids)); got != "\x01\x01\x02\x02" {
		t.Errorf("stored records of %q", got)
	}
	var refused int
	for _, in := range r.mail.takeAll(nil) {
		if in.Err != nil && fault.KindOf(in.Err) == fault.Busy {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d records were refused, want the old session's one", refused)
	}
	// The new connection comes to nothing: the old session may go on.
	g.table.Drop(id, 2)
	save(1, 3, 1)
	if len(records.cids) != 5 {
		t.Error("after the newer connection had ended, the session could not be stored")
	}
}

func flat(cids [][8]byte) (b []byte) {
	for _, c := range cids {
		b = append(b, c[0])
	}
	return b
}
