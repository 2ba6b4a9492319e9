package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// figure is one that is compared with the last time.
type figure struct {
	name string
	more bool // is better
	// pace says how a figure depends on how fast the machine was: one of
	// processor time grows with the time that the machine needs for a piece of
	// work, +1, and a rate shrinks with it, -1. Both are compared in units of that
	// piece of work: the cryptography of the DTLS handshake, which each record has.
	pace int
}

// watched are the figures that are compared, by benchmark. Latencies are not
// among them but as ratios to their floor.
var watched = map[string][]figure{
	"handshake": {{name: "ratio"}},
	"idle":      {{name: "bytes_per_device"}, {name: "calls_failed"}},
	"call":      {{name: "p50_ratio"}, {name: "calls_per_s", more: true, pace: -1}, {name: "server_cpu_us", pace: 1}, {name: "errors"}},
	"events":    {{name: "events_per_s", more: true, pace: -1}, {name: "server_cpu_us", pace: 1}, {name: "lost"}},
	"streams":   {{name: "bytes_per_subscriber"}, {name: "deliveries_per_s", more: true, pace: -1}, {name: "server_cpu_us", pace: 1}, {name: "dropped"}},
}

// tolerance is how many times worse a figure may be before it is said.
const tolerance = 1.2

// Record writes the results into a new file of the folder, named by the time,
// and compares each with the latest of its benchmark there from the same kind of
// machine. worse says which figures have become worse, by how much.
func Record(dir string, results []Result) (file string, worse []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	now, err := asObjects(results)
	if err != nil {
		return "", nil, err
	}
	past, err := history(dir, now)
	if err != nil {
		return "", nil, err
	}
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return "", nil, err
	}
	file = filepath.Join(dir, time.Now().UTC().Format("20060102-150405")+".json")
	return file, compare(past, now), os.WriteFile(file, append(text, '\n'), 0o644)
}

// object is a result as it stands in a file.
type object map[string]any

func (o object) text(name string) string {
	s, _ := o[name].(string)
	return s
}

// name tells benchmarks apart, also two of the same kind. What memory is divided
// by is part of it: a part of the memory does not depend on it.
func (o object) name() string {
	name := o.text("bench")
	if t := o.text("transport"); t != "" {
		name += " on " + t
	}
	for _, by := range []string{"subscribers", "devices"} {
		if n, ok := o[by].(float64); ok && n > 0 && (name == "idle" || name == "streams") {
			name += fmt.Sprintf(" of %.0f %s", n, by)
		}
	}
	return name
}

func (o object) sameMachine(other object) bool {
	return o.text("machine") == other.text("machine") && o["cores"] == other["cores"]
}

func asObjects(results []Result) (list []object, err error) {
	text, err := json.Marshal(results)
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	return list, err
}

// history reads the files of the folder that were written on a machine like
// this, the newest first.
func history(dir string, now []object) (past [][]object, err error) {
	entries, err := os.ReadDir(dir) // sorted by name, which is by time
	if err != nil || len(now) == 0 {
		return nil, err
	}
	for _, e := range slices.Backward(entries) {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var list []object
		if err == nil {
			err = json.Unmarshal(text, &list)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", e.Name(), err)
		}
		if len(list) > 0 && list[0].sameMachine(now[0]) {
			past = append(past, list)
		}
	}
	return past, nil
}

// compare lists the watched figures that have become worse since each benchmark
// was run last, in the order of the results.
func compare(past [][]object, now []object) (worse []string) {
	for _, n := range now {
		for _, results := range past {
			at := slices.IndexFunc(results, func(o object) bool { return o.name() == n.name() })
			if at >= 0 {
				worse = append(worse, n.worseThan(results[at], slower(results, now))...)
				break
			}
		}
	}
	return worse
}

// slower tells how many times as long as then the machine takes; 1 if that was
// not measured.
func slower(then, now []object) float64 {
	if before, after := yardstick(then), yardstick(now); before > 0 && after > 0 {
		return after / before
	}
	return 1
}

// worseThan lists the watched figures that are worse than those of before.
func (o object) worseThan(last object, slower float64) (worse []string) {
	for _, f := range watched[o.text("bench")] {
		before, ok1 := last[f.name].(float64)
		after, ok2 := o[f.name].(float64)
		if ok1 && ok2 && f.worse(before, after, slower) {
			worse = append(worse, fmt.Sprintf("%s: %s was %g and is %g%s", o.name(), f.name, before, after, f.doubt(slower)))
		}
	}
	return worse
}

// yardstick is how long the machine took for the same piece of work; 0: that was
// not measured.
func yardstick(results []object) float64 {
	for _, o := range results {
		if o.text("bench") == "handshake" && o.text("transport") == "dtls" {
			us, _ := o["crypto_cpu_us"].(float64)
			return us
		}
	}
	return 0
}

// worse tells whether a figure is worse beyond the tolerance, by more than what
// a slower machine explains. From nothing to something is.
func (f figure) worse(before, after, slower float64) bool {
	switch f.pace {
	case 1:
		before *= slower
	case -1:
		before /= slower
	}
	if f.more {
		before, after = after, before
	}
	return after > before*tolerance
}

// doubt says how much of a difference is the machine's.
func (f figure) doubt(slower float64) string {
	if f.pace == 0 || hundredth(slower) == 1 {
		return ""
	}
	return fmt.Sprintf(", and the machine takes %.2f times as long as then", slower)
}
