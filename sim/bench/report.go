package bench

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/internal/build"
)

// Progress is told what goes on, in the manner of fmt.Printf and without a line
// end.
type Progress func(format string, args ...any)

// Run says what was run, and where. Every result begins with it.
type Run struct {
	Bench   string  `json:"bench"`
	Ran     string  `json:"ran"` // in words: what, how much of it, and how it was counted
	Time    string  `json:"time"`
	Version string  `json:"version"`
	Machine string  `json:"machine"`
	Cores   int     `json:"cores"`
	Load    float64 `json:"load"` // the machine's load average of the last minute, at the end: ours included
}

// Ran says that the benchmark of the name was run, now and here, and what it did.
func Ran(name, what string) Run {
	b := build.Current()
	return Run{
		Bench: name, Ran: what, Time: time.Now().UTC().Format(time.RFC3339), Version: b.Version + " " + b.Go,
		Machine: b.Platform + " " + processor(), Cores: runtime.NumCPU(), Load: loadAverage(),
	}
}

// processor is the name of this machine's processor, if the system tells.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

func loadAverage() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	return parseLoad(string(b))
}

// parseLoad reads the first number of /proc/loadavg; 0 if there is none.
func parseLoad(s string) float64 {
	first, _, _ := strings.Cut(s, " ")
	x, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return x
}

// Row is a figure for people.
type Row struct{ Name, Value, Meaning string }

// Result is what a benchmark gives: an object for programs, rows for people.
type Result interface {
	About() Run
	Rows() []Row
}

// About says what was run.
func (r Run) About() Run { return r }
