package muster

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/internal/dense"
)

// standing is what the roll says of a device.
type standing uint8

const (
	gone    standing = iota + 1 // it left by itself, and nobody waits for it
	here                        // it is connected
	awaited                     // it was there before a disconnect that hit many, and is not back
)

// line is a device's line of the roll.
type line struct {
	standing  standing
	udp       bool
	keepAlive uint16 // seconds; 0: unknown
	since     uint32 // awaited: the second of the disconnect, which names it
}

// lineSize is what a line takes in the file: the device's id, its standing, its
// transport, its keep-alive and the second.
const lineSize = 12 + 1 + 1 + 2 + 4

func (l *line) appendTo(b []byte, id device.ID) []byte {
	b = append(b, id[:]...)
	b = append(b, byte(l.standing), 0)
	if l.udp {
		b[len(b)-1] = 1
	}
	b = binary.BigEndian.AppendUint16(b, l.keepAlive)
	return binary.BigEndian.AppendUint32(b, l.since)
}

func readLine(b []byte) (id device.ID, l line) {
	copy(id[:], b)
	return id, line{
		standing: standing(b[12]), udp: b[13] == 1, keepAlive: binary.BigEndian.Uint16(b[14:]), since: binary.BigEndian.Uint32(b[16:]),
	}
}

// readRoll gives what a file says last of each device that is here or awaited,
// and when it was written to last. What a crash of the machine has cut off is
// passed over. A file that is not there has nobody in it.
func readRoll(path string) (*dense.Map[device.ID, line], time.Time, error) {
	all := dense.NewMap[device.ID, line]()
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	var b [lineSize]byte
	for r := bufio.NewReaderSize(f, 1<<16); ; {
		if _, err := io.ReadFull(r, b[:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return all, info.ModTime(), nil
		} else if err != nil {
			return nil, time.Time{}, err
		}
		if id, l := readLine(b[:]); l.standing == gone {
			all.Delete(id)
		} else if l.standing == here || l.standing == awaited {
			*all.Put(id) = l
		}
	}
}

// roll is the file, open to be written to. It is not synced: what the kernel
// has outlives the process, and after a loss of power some lines may be missing.
type roll struct {
	path string
	file *os.File
	buf  []byte // whole lines, but for the first if only its beginning was written
}

// maxUnwritten bounds what waits for a disk that is full.
const maxUnwritten = 4 << 20

// newRoll writes a file that says what all does, in the place of the one that is
// there, so that it does not grow for ever.
func newRoll(path string, all *dense.Map[device.ID, line]) (*roll, error) {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	r := &roll{path: path, file: f}
	for id, l := range all.All() {
		if r.put(id, *l); len(r.buf) > 1<<16 {
			err = errors.Join(err, r.flush())
		}
	}
	if err = errors.Join(err, r.flush()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// openRoll opens the file as it is, to go on with it.
func openRoll(path string) (*roll, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &roll{path: path, file: f}, nil
}

func (r *roll) put(id device.ID, l line) { r.buf = l.appendTo(r.buf, id) }

// flush writes what was put. What cannot be written now is written with the next;
// when that goes on for long, the newest is lost.
func (r *roll) flush() error {
	if len(r.buf) == 0 {
		return nil
	}
	n, err := r.file.Write(r.buf)
	r.buf = r.buf[:copy(r.buf, r.buf[n:])]
	if whole := len(r.buf) % lineSize; len(r.buf) > maxUnwritten {
		r.buf = r.buf[:maxUnwritten/lineSize*lineSize+whole]
	}
	return err
}

// beat notes that the process lives: without it the time of a crash is known
// less well.
func (r *roll) beat(now time.Time) { _ = os.Chtimes(r.path, now, now) }

func (r *roll) close() error { return errors.Join(r.flush(), r.file.Close()) }
