package handover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The socket stands in a folder of its own below the data folder, which nobody
// else may enter, whatever the data folder's mode is.
const (
	socketFolder = "control"
	socketName   = "control.sock"
)

// Socket is a Link over a packet socket of the system.
type Socket struct {
	conn *net.UnixConn
	buf  []byte // owned by Receive
	oob  []byte // likewise

	mu  sync.Mutex
	out []byte // guarded by mu
}

// Listener takes connections on the data folder's socket.
type Listener struct {
	l    *net.UnixListener
	path string
}

// Listen opens the socket of the data folder, in a folder that is this user's
// alone. One that an earlier process left is replaced: the data folder's lock
// says that nobody listens on it. A process that was handed the folder opens it
// anew.
func Listen(data string) (*Listener, error) {
	dir := filepath.Join(data, socketFolder)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the folder %s is open to others (%v): chmod 0700 %s", dir, info.Mode(), dir)
	}
	path := filepath.Join(dir, socketName)
	fresh := path + ".new"
	_ = os.Remove(fresh) // of a start that was cut short
	short, release, err := reach(dir, socketName+".new")
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Net: "unixpacket", Name: short})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // by then it may be the next process's
	if err := errors.Join(os.Chmod(fresh, 0o600), os.Rename(fresh, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &Listener{l, path}, nil
}

// Accept waits for the next connection of this user or of root.
func (l *Listener) Accept() (*Socket, unix.Ucred, error) {
	for {
		c, err := l.l.AcceptUnix()
		if err != nil {
			return nil, unix.Ucred{}, err
		}
		who, err := credentials(c)
		if err == nil && (int(who.Uid) == os.Geteuid() || who.Uid == 0) {
			return newSocket(c), *who, nil
		}
		_ = c.Close() // a stranger, who is told nothing
	}
}

// Close stops listening. The name stays for whoever comes after.
func (l *Listener) Close() error { return l.l.Close() }

// Remove takes the socket's name away: nobody comes after.
func (l *Listener) Remove() error { return os.Remove(l.path) }

// Dial connects to the process that has the data folder, and looks at whose it
// is.
func Dial(ctx context.Context, data string) (*Socket, unix.Ucred, error) {
	dir := filepath.Join(data, socketFolder)
	short, release, err := reach(dir, socketName)
	if err != nil {
		return nil, unix.Ucred{}, err
	}
	defer release()
	c, err := new(net.Dialer).DialContext(ctx, "unixpacket", short)
	if err != nil {
		return nil, unix.Ucred{}, err
	}
	u := c.(*net.UnixConn)
	who, err := credentials(u)
	if err == nil && int(who.Uid) != os.Geteuid() && os.Geteuid() != 0 {
		err = fmt.Errorf("the cloud on %s is user %d's", dir, who.Uid)
	}
	if err != nil {
		return nil, unix.Ucred{}, errors.Join(err, c.Close())
	}
	return newSocket(u), *who, nil
}

// reach gives a name for the socket that is short enough for the system: 107
// bytes. Long ones go by way of the folder's descriptor.
func reach(dir, name string) (path string, release func(), err error) {
	path = filepath.Join(dir, name)
	if len(path) < 100 {
		return path, func() {}, nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), name), func() { _ = d.Close() }, nil
}

func credentials(c *net.UnixConn) (*unix.Ucred, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var who *unix.Ucred
	var inner error
	err = raw.Control(func(fd uintptr) { who, inner = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	return who, errors.Join(err, inner)
}

func newSocket(c *net.UnixConn) *Socket {
	_ = c.SetWriteBuffer(4 << 20) // what the system gives is enough
	return &Socket{conn: c, buf: make([]byte, MaxBody+3), oob: make([]byte, unix.CmsgSpace(4*MaxFiles))}
}

// SetDeadline is Link's.
func (s *Socket) SetDeadline(t time.Time) error { return s.conn.SetDeadline(t) }

// Close ends the conversation.
func (s *Socket) Close() error { return s.conn.Close() }

// Send is Link's. A packet is version, kind and body.
func (s *Socket) Send(kind Kind, body []byte, files ...int) error {
	if len(body) > MaxBody || len(files) > MaxFiles {
		return fmt.Errorf("%w: %d bytes with %d files", ErrMessage, len(body), len(files))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = append(append(s.out[:0], packetVersion, byte(kind)), body...)
	var oob []byte
	if len(files) > 0 {
		oob = unix.UnixRights(files...)
	}
	_, _, err := s.conn.WriteMsgUnix(s.out, oob, nil)
	return err
}

// Receive is Link's. The body is good until the next call.
func (s *Socket) Receive() (Message, error) {
	n, oobn, flags, _, err := s.conn.ReadMsgUnix(s.buf, s.oob)
	if err != nil {
		return Message{}, err
	}
	files, err := filesOf(s.oob[:oobn])
	m := Message{Files: files}
	switch {
	case err != nil:
	case n == 0:
		err = io.EOF
	case flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 || n < 2 || n > MaxBody+2:
		err = fmt.Errorf("%w: a packet of %d bytes", ErrMessage, n)
	case s.buf[0] != packetVersion:
		err = fmt.Errorf("%w: %d", ErrVersion, s.buf[0])
	default:
		m.Kind, m.Body = Kind(s.buf[1]), s.buf[2:n]
		return m, nil
	}
	closeAll(files)
	return Message{}, err
}

func filesOf(oob []byte) ([]*os.File, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	list, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for i := range list {
		fds, err := unix.ParseUnixRights(&list[i])
		if err != nil {
			continue // some other message
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "handed over"))
		}
	}
	return files, nil
}
