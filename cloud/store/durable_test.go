package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// What is acknowledged is in the files at that moment: a copy of them, made
// in the callback, has the row.
func TestAcknowledgedIsInTheFiles(t *testing.T) {
	s, path := openFile(t, store.Config{})
	id := addDevice(t, s, 1)
	for generation := uint32(1); generation <= 5; generation++ {
		to := filepath.Join(t.TempDir(), "copy.db")
		answer := make(chan error, 1)
		row := store.SessionRow{Device: id, CID: [8]byte{1}, Generation: generation, Blob: fmt.Append(nil, "state ", generation)}
		if !s.SaveSession(row, func(err error) { answer <- errors.Join(err, copyDatabase(path, to)) }) {
			t.Fatal("SaveSession is refused")
		}
		must(t, <-answer)
		c, err := store.Open(t.Context(), store.Config{Path: to})
		must(t, err)
		got, err := c.Session(t.Context(), id)
		must(t, err)
		if got.Generation != generation || string(got.Blob) != string(row.Blob) {
			t.Errorf("the copy has generation %d, %q; acknowledged was %d", got.Generation, got.Blob, generation)
		}
		must(t, c.Close())
	}
}

// copyDatabase copies the file and its write-ahead log, as a crash would leave
// them.
func copyDatabase(from, to string) error {
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(from + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(to+suffix, b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// childDatabase is the environment variable that turns the test binary into a
// process that stores sessions in that file.
const childDatabase = "CYAN_STORE_TEST_DATABASE"

// childDevices is how many devices the child stores sessions of.
const childDevices = 50

func TestMain(m *testing.M) {
	if path := os.Getenv(childDatabase); path != "" {
		fmt.Fprintln(os.Stderr, "the child ended:", storeForEver(path))
		return
	}
	m.Run()
}

// storeForEver is the child of the tests below: it stores session after session,
// and says so on its standard output once each is acknowledged, until it is
// killed.
func storeForEver(path string) error {
	s, err := store.Open(context.Background(), store.Config{Path: path})
	if err != nil {
		return err
	}
	for n := range uint32(childDevices) {
		id := deviceID(n)
		if err := s.TrustFirstUse(context.Background(), id, device.Key{Algorithm: device.ECC, SPKI: id[:]}); err != nil {
			return err
		}
	}
	for generation := uint32(1); ; generation++ {
		last := make(chan error)
		for n := range uint32(childDevices) {
			s.SaveSession(store.SessionRow{Device: deviceID(n), CID: [8]byte{1}, Generation: generation, Blob: marker(n, generation)}, func(err error) {
				if err == nil {
					_, err = fmt.Fprintf(os.Stdout, "acknowledged %d %d\n", n, generation)
				}
				if n == childDevices-1 {
					last <- err
				}
			})
		}
		if err := <-last; err != nil {
			return err
		}
	}
}

// marker is the state that the child stores: it can be found in what is
// written to the log.
func marker(n, generation uint32) []byte { return fmt.Appendf(nil, "<state %d %d>", n, generation) }

// child gives the command that stores sessions in the file.
func child(t *testing.T, path string, wrap ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	args := slices.Concat(wrap, []string{self})
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childDatabase+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// A process that is killed at any moment has lost nothing that it
// acknowledged.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cyan.db")
	for round := range 3 {
		acknowledged := map[uint32]uint32{} // device → generation
		cmd := child(t, path)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for count := 0; lines.Scan(); {
			var n, generation uint32
			if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d %d", &n, &generation); err != nil {
				continue
			}
			acknowledged[n] = generation
			if count++; count == 1000+round*17 {
				must(t, cmd.Process.Kill()) // what is in the pipe is still read
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		if len(acknowledged) != childDevices {
			t.Fatalf("sessions of %d devices were acknowledged, want %d", len(acknowledged), childDevices)
		}
		s, err := store.Open(t.Context(), store.Config{Path: path})
		must(t, err)
		for n, generation := range acknowledged {
			row, err := s.Session(t.Context(), deviceID(n))
			must(t, err)
			if row.Generation < generation || string(row.Blob) != string(marker(n, row.Generation)) {
				t.Errorf("generation %d of device %d is stored, %d was acknowledged", row.Generation, n, generation)
			}
			must(t, trySave(t, s, store.SessionRow{Device: row.Device, Begins: true})) // for the next round
		}
		must(t, s.Close())
	}
}

// leaveOut skips a test for want of a tool, unless CYAN_TEST_ALL says that none is
// to be left out.
func leaveOut(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CYAN_TEST_ALL") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// What is acknowledged was written to the log, and the log synced after that:
// it survives a loss of power. The system calls tell.
func TestSyncedBeforeAcknowledged(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		leaveOut(t, "strace is not installed")
	}
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	cmd := child(t, filepath.Join(dir, "cyan.db"), strace, "-f", "-y", "-o", trace, "-s", "5000", "-e", "trace=write,pwrite64,fsync,fdatasync")
	out, err := cmd.StdoutPipe()
	must(t, err)
	if err := cmd.Start(); err != nil {
		leaveOut(t, "strace does not start: "+err.Error())
	}
	lines := bufio.NewScanner(out)
	for count := 0; lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "acknowledged") {
			if count++; count == 10*childDevices {
				break
			}
		}
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	b, err := os.ReadFile(trace)
	must(t, err)
	checkTrace(t, strings.Split(string(b), "\n"))
}

// checkTrace checks that each acknowledgement comes after a sync that comes
// after a write to the log of what is acknowledged.
func checkTrace(t *testing.T, calls []string) {
	t.Helper()
	states := regexp.MustCompile(`<state (\d+ \d+)>`)
	var written []string
	synced := map[string]bool{}
	acknowledged := 0
	for _, call := range calls {
		if _, text, ok := strings.Cut(call, `"acknowledged `); ok {
			state, _, _ := strings.Cut(text, `\n`)
			if !synced[state] {
				t.Fatalf("acknowledged before it was synced: %s", call)
			}
			acknowledged++
			continue
		}
		if strings.Contains(call, "pwrite64(") && strings.Contains(call, "-wal>") {
			for _, m := range states.FindAllStringSubmatch(call, -1) {
				written = append(written, m[1])
			}
		}
		if strings.Contains(call, "sync") && strings.HasSuffix(call, "= 0") {
			for _, state := range written {
				synced[state] = true
			}
			written = nil
		}
	}
	if acknowledged < 100 {
		leaveOut(t, fmt.Sprintf("strace saw %d acknowledgements: it may not trace here", acknowledged))
	}
}
