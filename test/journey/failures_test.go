package journey

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
)

// failuresFile has the table that is tested here.
const failuresFile = "../../docs/runbook/failures.md"

// failure is a row of the table.
type failure struct{ Wrong, Over, Shows, Reason, Fault, Record string }

// Who learns of an attempt, in the words of the table.
const (
	forOwner = "owner"  // it stands among the attempts of the device
	forLater = "later"  // whoever registers the device will see it there
	forLog   = "log"    // the device did not say who it is
	noRecord = "nobody" // it has not reached us
)

// TestConnectionFailures brings about every row of the table in the runbook:
// what a person sees on the device, and what the cloud says of the same
// attempt.
func TestConnectionFailures(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(failuresFile)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 6 || cells[1] != "udp" && cells[1] != "tcp" {
			continue
		}
		rows++
		want := failure{
			strings.TrimPrefix(cells[0], "| "), cells[1], cells[2], strings.Trim(cells[3], "`"), cells[4],
			strings.TrimSuffix(cells[5], " |"),
		}
		t.Run(want.Wrong+" "+want.Over, func(t *testing.T) {
			t.Parallel()
			got := failure{Wrong: want.Wrong, Over: want.Over}
			bring(t, &got)
			for either := range strings.SplitSeq(want.Reason, "` or `") {
				if got.Reason == either {
					got.Reason = want.Reason
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s and what happened (+):\n%s", failuresFile, diff)
			}
		})
	}
	if rows < 14 {
		t.Errorf("%s has only %d rows", failuresFile, rows)
	}
}

// bring brings a failure about and fills in what is seen of it.
func bring(t *testing.T, f *failure) {
	t.Helper()
	c := harness.Start(t, app.Options{})
	cfg := sim.Config{Application: sim.Oven(0)}
	if f.Over == "tcp" {
		cfg.Transport = sim.TCP
	}
	var wiring harness.Wiring
	registered := true
	switch f.Wrong {
	case "the device has another key than the one on file":
		cfg.Behaviour = sim.WrongDeviceKey
	case "the device was given another server's key":
		cfg.Behaviour = sim.WrongServerKey
	case "nobody has registered the device":
		registered = false
	case "the handshake stops half-way":
		cfg.Behaviour = sim.TruncateHandshake
	case "the cloud cannot read the devices' keys", "the cloud cannot store the session", "what comes is no protocol of the port":
	case "nothing listens where the device connects":
		wiring.At = port.Free(t)
	default:
		t.Fatal("the test does not know how to bring this about")
	}
	if registered {
		cfg = c.Provision(cfg)
	} else {
		cfg = c.Equip(cfg)
	}
	switch f.Wrong {
	case "the cloud cannot read the devices' keys":
		hideTable(t, c, "device_keys")
	case "the cloud cannot store the session":
		hideTable(t, c, "sessions")
	case "what comes is no protocol of the port":
		speakHTTP(t, c, f.Over)
		f.Shows = "–"
		f.look(t, c, cfg)
		return
	}
	d := c.Run(cfg, wiring)
	c.Until("the device shows that it failed", func() bool { return d.Lights.Has("flash") })
	d.Unplug()
	lights := strings.Split(d.Lights.String(), "\n")
	for i := range lights {
		if i > 0 && strings.Contains(lights[i], "flash") {
			f.Shows = lights[i-1] + ", " + lights[i]
			break
		}
	}
	if !registered {
		c.Fails(403, "GET", "/v1/devices/"+d.ID+"/attempts", nil)
		cfg = c.Provision(cfg)
	}
	f.look(t, c, cfg)
	if !registered && f.Record == forOwner {
		f.Record = forLater
	}
}

// look finds the attempt, where it is on record, and fills in what it says.
func (f *failure) look(t *testing.T, c *harness.Cloud, cfg sim.Config) {
	t.Helper()
	f.Reason, f.Fault, f.Record = "–", "–", noRecord
	if f.Shows == "blinking cyan, 3 orange flashes" {
		return
	}
	c.Until("the attempt is on record", func() bool {
		for _, a := range c.Attempts(cfg.ID.String()) {
			if a.Outcome == "failed" {
				f.Reason, f.Fault, f.Record = string(a.Reason), string(a.Fault), forOwner
				return true
			}
		}
		var strangers []device.Attempt
		c.Store(func(ctx context.Context, s *store.Store) (err error) {
			strangers, err = s.Attempts(ctx, device.ID{}, time.Time{}, 0)
			return err
		})
		for _, a := range strangers {
			f.Reason, f.Fault, f.Record = string(a.Reason), string(a.Reason.Fault()), forLog
			return true
		}
		return false
	})
}

// speakHTTP is a browser, or a scanner, on a devices' port.
func speakHTTP(t *testing.T, c *harness.Cloud, over string) {
	t.Helper()
	at := c.Options.ListenUDP
	if over == "tcp" {
		at = c.Options.ListenTCP
	}
	conn, err := net.Dial(over, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: devices\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

// hideTable takes a table away from a cloud that runs.
func hideTable(t *testing.T, c *harness.Cloud, table string) {
	t.Helper()
	execute(t, c, fmt.Sprintf("ALTER TABLE %s RENAME TO %s_hidden", table, table))
}

// showTable gives it back.
func showTable(t *testing.T, c *harness.Cloud, table string) {
	t.Helper()
	execute(t, c, fmt.Sprintf("ALTER TABLE %s_hidden RENAME TO %s", table, table))
}

// execute changes the database of a cloud that runs, behind its back.
func execute(t *testing.T, c *harness.Cloud, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+c.Database()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(statement, err)
	}
}
