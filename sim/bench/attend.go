package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"

	"github.com/cyan-cloud/cyan/sim/bench/usage"
)

// Attend is the cloud's side of a Server: it says that the cloud is ready and
// performs commands until in ends, which is when the cloud has to stop.
func Attend(in io.Reader, out io.Writer, r Ready) (err error) {
	answers := json.NewEncoder(out)
	if err := answers.Encode(r); err != nil {
		return err
	}
	var a attendant
	defer func() { err = errors.Join(err, a.profile.end(), a.floor.close()) }()
	for commands := json.NewDecoder(in); ; {
		var c Command
		switch err := commands.Decode(&c); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading a command: %w", err)
		}
		d, err := a.perform(c)
		if err != nil {
			d.Error = err.Error()
		}
		if err := answers.Encode(d); err != nil {
			return err
		}
	}
}

// attendant is what a cloud has begun on command.
type attendant struct {
	profile profile
	floor   foundation
}

func (a *attendant) perform(c Command) (d done, err error) {
	switch {
	case c.Do == DoCollect:
		debug.FreeOSMemory()
		d.Memory = usage.Own()
	case c.Do == DoHeap:
		err = heap(c.File)
	case c.Do == DoProfile && c.File == "":
		err = a.profile.end()
	case c.Do == DoProfile:
		err = a.profile.begin(c.File)
	case c.Do == DoFloor && !c.Floor.Device.IsValid():
		err = a.floor.close()
	case c.Do == DoFloor:
		d.Floor, err = a.floor.open(c.Floor)
	default:
		err = fmt.Errorf("there is no command %q", c.Do)
	}
	return d, err
}

// profile is the profile that is being written; zero: none.
type profile struct{ file *os.File }

// heap writes a profile of what is in use.
func heap(name string) error {
	f, err := create(name)
	if err != nil {
		return err
	}
	runtime.GC()
	return errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
}

func create(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}

func (p *profile) begin(name string) error {
	if p.file != nil {
		return errors.New("a profile is being written already")
	}
	f, err := create(name)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(err, f.Close())
	}
	p.file = f
	return nil
}

func (p *profile) end() error {
	if p.file == nil {
		return nil
	}
	pprof.StopCPUProfile()
	err := p.file.Close()
	p.file = nil
	return err
}
