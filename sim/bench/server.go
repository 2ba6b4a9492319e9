package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench/apart"
	"github.com/cyan-cloud/cyan/sim/bench/usage"
)

// Ready is what a cloud says when its doors are open.
type Ready struct {
	PID      int            `json:"pid"`
	API      string         `json:"api"` // the URL of its HTTP API
	UDP      netip.AddrPort `json:"udp"`
	TCP      netip.AddrPort `json:"tcp"`
	KeyUDP   []byte         `json:"key_udp"` // the server's public keys, in DER
	KeyTCP   []byte         `json:"key_tcp"`
	Username string         `json:"username"` // of the administrator
	Password string         `json:"password"`
}

// Command is an order to a cloud under measurement: one JSON object a line on
// its standard input, answered by a line on its standard output. The end of the
// input stops it.
type Command struct {
	Do   string `json:"do"`
	File string `json:"file,omitempty"` // of a profile; that of processor time ends with an empty one
	// Floor is what DoFloor has the cloud do.
	Floor Floor `json:"floor,omitzero"`
}

// The commands.
const (
	DoCollect = "collect" // free what can be freed, and give it back to the system
	DoProfile = "profile"
	DoHeap    = "heap"  // write a profile of the memory in use
	DoFloor   = "floor" // open the way of a call with nothing on it; again: close it
)

// done is the answer to a command.
type done struct {
	Error  string       `json:"error,omitempty"`
	Memory usage.Memory `json:"memory,omitzero"` // after a collection
	Floor  string       `json:"floor,omitempty"` // where a floor was opened
}

// Server is a cloud in a process of its own.
type Server struct {
	Ready

	cmd *exec.Cmd
	dir string
	on  apart.Cores // the cloud's; none: any

	mu  sync.Mutex // guards the conversation
	in  io.WriteCloser
	out *bufio.Reader
}

// startTime bounds how long a cloud may take to open its doors.
const startTime = 30 * time.Second

// Start starts this program again as a cloud: args are what makes it one, such
// as "bench", "serve", followed by what the benchmark wants of it; a --data
// folder that is deleted by Stop is added. Its log is a file in there. The
// process is killed when ctx ends.
func Start(ctx context.Context, args ...string) (*Server, error) { return StartOn(ctx, nil, args...) }

// StartOn is Start, with the cloud on these cores and no others.
func StartOn(ctx context.Context, on apart.Cores, args ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "cyan-bench-*") // mode 0700
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, on: on}
	return s, s.start(ctx, args)
}

// Restart stops the cloud as one does who does not hand over, and starts it on
// the same data and, for devices, the same ports.
func (s *Server) Restart(ctx context.Context, args ...string) error {
	_ = s.in.Close()
	_, _ = io.Copy(io.Discard, s.out) // Wait closes the pipe, so it is read first
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("stopping the cloud: %w: %s", err, s.lastWords())
	}
	return s.start(ctx, append(args, "--listen-tcp", s.TCP.String(), "--listen-udp", s.UDP.String()))
}

// start starts the process and waits until its doors are open.
func (s *Server) start(ctx context.Context, args []string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	s.cmd = exec.CommandContext(ctx, program, append(args, "--data", s.dir)...)
	s.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CYAN_") })
	s.cmd.WaitDelay = time.Second
	if err := s.launch(); err != nil {
		return errors.Join(fmt.Errorf("starting the cloud: %w", err), os.RemoveAll(s.dir))
	}
	timer := time.AfterFunc(startTime, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	line, err := s.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.Ready)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the cloud did not start: %w: %s", err, s.lastWords()), s.Stop())
	}
	return nil
}

func (s *Server) launch() error {
	log, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	s.cmd.Stderr = log
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	s.in, s.out = in, bufio.NewReader(out)
	return apart.Start(s.cmd, s.on, false)
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "cloud.log") }

// lastWords are the end of the cloud's log.
func (s *Server) lastWords() string {
	const enough = 500
	b, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-enough):]))
}

// Stop stops the cloud, waits for its end and deletes its data.
func (s *Server) Stop() error {
	_ = s.in.Close()
	timer := time.AfterFunc(startTime, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	_, _ = io.Copy(io.Discard, s.out) // Wait closes the pipe, so it is read first
	err := s.cmd.Wait()
	if err != nil {
		err = fmt.Errorf("the cloud ended: %w", err)
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Usage is what the cloud's process has used.
func (s *Server) Usage() (usage.Usage, error) { return usage.Of(s.cmd.Process.Pid) }

// Collected is the usage after the cloud has freed what it does not need.
func (s *Server) Collected() (usage.Usage, error) {
	d, err := s.ask(Command{Do: DoCollect})
	if err != nil {
		return usage.Usage{}, err
	}
	u, err := s.Usage()
	if err != nil {
		return usage.Usage{}, err
	}
	all, files, err := usage.Resident(s.cmd.Process.Pid)
	u.Memory = d.Memory.Complete(all, files)
	return u, err
}

// Profile begins to write a profile of the cloud's processor time to the file.
// Without a name nothing happens. end ends it.
func (s *Server) Profile(file string) (end func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	return func() error { return s.do(Command{Do: DoProfile}) }, s.do(Command{Do: DoProfile, File: file})
}

// Heap writes a profile of the cloud's memory in use to the file. Without a
// name nothing happens.
func (s *Server) Heap(file string) error {
	if file == "" {
		return nil
	}
	return s.do(Command{Do: DoHeap, File: file})
}

func (s *Server) do(c Command) error {
	_, err := s.ask(c)
	return err
}

func (s *Server) ask(c Command) (d done, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.NewEncoder(s.in).Encode(c); err != nil {
		return done{}, err
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return done{}, fmt.Errorf("the cloud does not answer: %w", err)
	}
	if err := json.Unmarshal(line, &d); err != nil {
		return done{}, err
	}
	if d.Error != "" {
		return done{}, errors.New(d.Error)
	}
	return d, nil
}
