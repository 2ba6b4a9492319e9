package attack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/sim/bench"
	"github.com/cyan-cloud/cyan/sim/bench/apart"
	"github.com/cyan-cloud/cyan/sim/bench/crowd"
)

// Part is what a child is told: where the cloud is, who is who, and how much of
// it there is to be.
type Part struct {
	bench.Ready
	Token   string           `json:"token"`   // of the administrator
	Who     crowd.Identities `json:"who"`     // devices on UDP that are registered: healthy ones, and behind them an insider
	Devices int              `json:"devices"` // healthy ones on UDP
	Streams []string         `json:"streams"` // private keys of those on TCP, in base64 of DER: healthy ones, and at last an insider's
	Count   int              `json:"count"`   // of an attack
	Least   int              `json:"least"`   // of it, however long that takes
	For     time.Duration    `json:"for"`     // of an attack, at most
	Rate    int              `json:"rate"`    // calls a second
}

// child is a process that plays a part.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err strings.Builder
}

// start starts this program again with the arguments, on the cores of those who
// load the cloud, and tells it its part; idle: others there always go first.
func start(ctx context.Context, args []string, p *Part, idle bool) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, program, args...)}
	c.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CYAN_") })
	c.cmd.Stderr, c.cmd.WaitDelay = &c.err, time.Second
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	_, on := apart.Halves()
	if err := apart.Start(c.cmd, on, idle); err != nil {
		return nil, err
	}
	return c, json.NewEncoder(c.in).Encode(p)
}

// hear reads a line of the child.
func (c *child) hear(into any) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%s says nothing: %w", strings.Join(c.cmd.Args[1:], " "), err)
	}
	return json.Unmarshal(line, into)
}

// ask tells the child to say what has happened since it was asked last.
func (c *child) ask(into any) error {
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		return err
	}
	return c.hear(into)
}

// end waits for its end.
func (c *child) end() error {
	_ = c.in.Close()
	_, _ = io.Copy(io.Discard, c.out)
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(c.err.String()))
	}
	return nil
}

// readPart reads a child's part.
func readPart(in *bufio.Reader) (p Part, err error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return p, errors.Join(errors.New("attack: no part to play"), err)
	}
	return p, json.Unmarshal(line, &p)
}
