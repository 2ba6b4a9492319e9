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

// better says of a figure which way is better.
type better bool

const (
	less better = false
	more better = true
)

// watched are the figures that are compared with the last time, by benchmark.
// Those that depend on how busy the machine is have their share in handshake's
// ratio; all others are as good as the machine was quiet.
var watched = map[string]map[string]better{
	"handshake": {"ratio": less},
	"idle":      {"bytes_per_device": less, "calls_failed": less},
	"call":      {"p50_us": less, "calls_per_s": more, "server_cpu_us": less},
	"events":    {"events_per_s": more, "server_cpu_us": less, "lost": less},
	"streams":   {"bytes_per_subscriber": less, "deliveries_per_s": more, "server_cpu_us": less},
}

// tolerance is how many times worse a figure may be before it is said.
const tolerance = 1.2

// Record writes the results into a new file of the folder, named by the time,
// and compares them with those of the latest one there from the same kind of
// machine. worse says which figures have become worse, by how much.
func Record(dir string, results []Result) (file string, worse []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	now, err := asObjects(results)
	if err != nil {
		return "", nil, err
	}
	last, err := latest(dir, now)
	if err != nil {
		return "", nil, err
	}
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return "", nil, err
	}
	file = filepath.Join(dir, time.Now().UTC().Format("20060102-150405")+".json")
	return file, compare(last, now), os.WriteFile(file, append(text, '\n'), 0o644)
}

// object is a result as it stands in a file.
type object map[string]any

func (o object) text(name string) string {
	s, _ := o[name].(string)
	return s
}

// name tells benchmarks apart, also two of the same kind.
func (o object) name() string {
	if t := o.text("transport"); t != "" {
		return o.text("bench") + " on " + t
	}
	return o.text("bench")
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

// latest reads the newest file of the folder that was written on a machine like
// this; nil if there is none.
func latest(dir string, now []object) ([]object, error) {
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
			return list, nil
		}
	}
	return nil, nil
}

// compare lists the watched figures that have become worse, in the order of
// the results.
func compare(last, now []object) (worse []string) {
	for _, n := range now {
		at := slices.IndexFunc(last, func(o object) bool { return o.name() == n.name() })
		if at < 0 {
			continue
		}
		var lines []string
		for figure, way := range watched[n.text("bench")] {
			before, ok1 := last[at][figure].(float64)
			after, ok2 := n[figure].(float64)
			if ok1 && ok2 && way.worse(before, after) {
				lines = append(lines, fmt.Sprintf("%s: %s was %g and is %g", n.name(), figure, before, after))
			}
		}
		slices.Sort(lines)
		worse = append(worse, lines...)
	}
	return worse
}

// worse tells whether a figure is worse beyond the tolerance. From nothing to
// something is.
func (b better) worse(before, after float64) bool {
	if b == more {
		before, after = after, before
	}
	return after > before*tolerance
}
