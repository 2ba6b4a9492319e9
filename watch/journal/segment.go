package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const suffix = ".jsonl"

// load finds the files of earlier runs. The last one loses what comes after its
// last whole line.
func (j *Journal[T]) load() error {
	paths, err := filepath.Glob(filepath.Join(j.dir, "*"+suffix))
	if err != nil {
		return err
	}
	slices.Sort(paths)
	for _, path := range paths {
		s := segment{path: path}
		rest, err := read(path, 1<<62, func(l line[T]) error {
			if s.first.IsZero() {
				s.first = l.At
			}
			s.last = l.At
			return nil
		})
		if err != nil {
			return err
		}
		j.dropped += rest.bad
		s.size = rest.whole
		if rest.torn {
			j.dropped++
			if err := os.Truncate(path, rest.whole); err != nil {
				return err
			}
		}
		if s.size == 0 || s.first.IsZero() {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		j.segments = append(j.segments, s)
	}
	return j.prune(j.cfg.Now(), 0)
}

// turn makes sure that the last file takes so many bytes more, and that the
// bounds hold.
func (j *Journal[T]) turn(now time.Time, more int64) error {
	n := len(j.segments)
	full := n == 0 || j.segments[n-1].size+more > j.part() && j.segments[n-1].size > 0 ||
		j.cfg.MaxAge > 0 && now.Sub(j.segments[n-1].first) > j.cfg.MaxAge/parts
	if j.file != nil && !full {
		return nil
	}
	if j.file != nil {
		if err := errors.Join(j.file.Sync(), j.file.Close()); err != nil {
			j.file = nil
			return err
		}
		j.file = nil
	}
	if full {
		number := 1
		if n > 0 {
			number = numberOf(j.segments[n-1].path) + 1
		}
		j.segments = append(j.segments, segment{path: j.path(number), first: now, last: now})
	}
	s := &j.segments[len(j.segments)-1]
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, modeFile)
	if err != nil {
		if full {
			j.segments = j.segments[:len(j.segments)-1]
		}
		return err
	}
	j.file = f
	return errors.Join(syncDir(j.dir), j.prune(now, j.part()))
}

// part is how long a file becomes.
func (j *Journal[T]) part() int64 {
	if j.cfg.MaxBytes <= 0 {
		return maxPart
	}
	return min(max(j.cfg.MaxBytes/parts, minPart), maxPart)
}

// prune removes the oldest files until the bounds hold and so many bytes are
// free. The file that is written to stays.
func (j *Journal[T]) prune(now time.Time, room int64) error {
	for len(j.segments) > 1 {
		s := j.segments[0]
		old := j.cfg.MaxAge > 0 && now.Sub(s.last) > j.cfg.MaxAge
		big := j.cfg.MaxBytes > 0 && j.bytes()+room > j.cfg.MaxBytes
		if !old && !big {
			return nil
		}
		if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		j.segments = j.segments[1:]
	}
	return nil
}

func numberOf(path string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), suffix))
	if err != nil {
		return 0
	}
	return n
}

// found is what reading a file came upon.
type found struct {
	whole int64 // bytes up to the end of the last whole line
	torn  bool  // something came after that
	bad   int   // whole lines that are no values
}

// read gives the values of a file's first bytes.
func read[T any](path string, size int64, do func(line[T]) error) (found, error) {
	var f found
	file, err := os.Open(path)
	if err != nil {
		return f, err
	}
	defer file.Close()
	r := bufio.NewReaderSize(io.LimitReader(file, size), maxLine+1)
	for {
		text, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			f.torn = len(text) > 0
			return f, nil
		case errors.Is(err, bufio.ErrBufferFull):
			// No line of ours is so long: it is passed over.
			f.whole += int64(len(text))
			continue
		case err != nil:
			return f, err
		}
		f.whole += int64(len(text))
		var l line[T]
		if json.Unmarshal(text, &l) != nil {
			f.bad++
			continue
		}
		if err := do(l); err != nil {
			return f, err
		}
	}
}

// syncDir puts the names of new files on the disk. Where folders cannot be
// synced, the system does so in its own time.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
