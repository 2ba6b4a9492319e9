package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// client is a program from npm.
type client struct {
	name    string // of its folders in clients and testdata
	kind    string // cli or sdk
	version string
}

// clients lists the clients in the folder, the oldest first.
func clients(t *testing.T) (all []client) {
	t.Helper()
	folders, err := filepath.Glob("clients/*/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		c := client{name: filepath.Base(filepath.Dir(f)), kind: "cli"}
		version, ok := strings.CutPrefix(c.name, "cli-")
		if !ok {
			if version, ok = strings.CutPrefix(c.name, "api-js-"); !ok {
				t.Fatal("neither a command line nor an SDK:", f)
			}
			c.kind = "sdk"
		}
		c.version = version
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b client) int {
		return 2*strings.Compare(a.kind, b.kind) + compareVersions(a.version, b.version)
	})
	return all
}

func compareVersions(a, b string) int {
	return slices.Compare(numbers(a), numbers(b))
}

func numbers(version string) (all []int) {
	for part := range strings.SplitSeq(version, ".") {
		n, _ := strconv.Atoi(part) // what is no number stands before all
		all = append(all, n)
	}
	return all
}

// scenario is one command and what is expected of it.
type scenario struct {
	name  string
	row   string // of the table: what a person wants
	kind  string // of the clients that have it
	since string // version that has it first; empty: all
	last  string // version that has it last; empty: all
	fault string // what is broken meanwhile; empty: nothing
	as    string // who runs it; empty: the devices' owner
	run   string
	input string // what is piped into it; empty: nothing
	talk  []exchange
	until *regexp.Regexp // it is interrupted when that is printed; nil: it ends by itself
	want  *regexp.Regexp
}

// exchange is a question on the terminal, and what is typed then.
type exchange struct {
	question *regexp.Regexp
	text     string
	perhaps  bool // not every version asks
}

// suits tells whether a client has the scenario's command.
func (s *scenario) suits(c client) bool {
	return s.kind == c.kind &&
		(s.since == "" || compareVersions(c.version, s.since) >= 0) &&
		(s.last == "" || compareVersions(c.version, s.last) <= 0)
}

// faults are the words that a scenario can have as its fault.
var faults = []string{"", "tokens", "devices", "bus", "deaf", "queue", "streams"}

// people are the words that a scenario can have for who runs it.
var people = []string{"", "stranger", "newcomer", "expired", "fresh", "limited", "guarded"}

// scenarios reads what is to be run, in order.
func scenarios(t *testing.T) []scenario {
	t.Helper()
	text, err := os.ReadFile("testdata/scenarios.txt")
	if err != nil {
		t.Fatal(err)
	}
	all, err := parseScenarios(string(text))
	if err != nil {
		t.Fatal("testdata/scenarios.txt: ", err)
	}
	return all
}

// parseScenarios reads blocks of "key: value" lines, each below its "== name".
func parseScenarios(text string) (all []scenario, err error) {
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, ok := strings.CutPrefix(line, "== "); ok {
			if seen[name] {
				return nil, fmt.Errorf("line %d: a second %s", n, name)
			}
			seen[name] = true
			all = append(all, scenario{name: name})
			continue
		}
		key, value, ok := strings.Cut(line, ": ")
		if !ok || len(all) == 0 {
			return nil, fmt.Errorf("line %d: neither a name nor a key and a value", n)
		}
		if err := all[len(all)-1].set(key, value); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	for _, s := range all {
		if s.row == "" || s.run == "" || s.want == nil || s.kind == "" {
			return nil, fmt.Errorf("%s lacks a row, a run, a want or a for", s.name)
		}
	}
	return all, nil
}

func (s *scenario) set(key, value string) (err error) {
	switch key {
	case "row":
		s.row = value
	case "for": // cli, or cli 2.7.0.., or cli ..2.6.0
		kind, versions, _ := strings.Cut(value, " ")
		s.kind = kind
		s.since, s.last, _ = strings.Cut(versions, "..")
		if kind != "cli" && kind != "sdk" {
			err = fmt.Errorf("no kind of client: %s", kind)
		}
	case "fault":
		s.fault = value
		if !slices.Contains(faults, value) {
			err = fmt.Errorf("no such fault: %s", value)
		}
	case "as":
		s.as = value
		if !slices.Contains(people, value) {
			err = fmt.Errorf("no such person: %s", value)
		}
	case "run":
		s.run = value
	case "input":
		s.input = value
	case "answer", "perhaps":
		question, text, ok := strings.Cut(value, " => ")
		if !ok {
			return fmt.Errorf("no question and answer: %s", value)
		}
		var asked *regexp.Regexp
		asked, err = regexp.Compile(question)
		s.talk = append(s.talk, exchange{asked, text, key == "perhaps"})
	case "until":
		s.until, err = regexp.Compile("(?ms)" + value)
	case "want":
		s.want, err = regexp.Compile("(?ms)" + value)
	default:
		err = fmt.Errorf("no such key: %s", key)
	}
	return err
}

// golden is the file of what a client prints.
func golden(c client, s scenario) string {
	return filepath.Join("testdata", c.name, s.name+".txt")
}
