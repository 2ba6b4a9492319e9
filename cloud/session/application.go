package session

import (
	"strconv"
	"strings"
	"unique"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// shared is a value that many sessions have alike: what they run, what they
// subscribed to, which of our addresses they speak to. It is there once, however
// many they are. The zero value is that of T.
type shared[T comparable] struct{ handle unique.Handle[T] }

func share[T comparable](v T) (s shared[T]) {
	var zero T
	if v != zero {
		s.handle = unique.Make(v)
	}
	return s
}

func (s shared[T]) get() (v T) {
	if s.handle != (unique.Handle[T]{}) {
		v = s.handle.Value()
	}
	return v
}

// application is what a device's application offers. Devices that run the same
// one share it, which keeps the thousands of one product small. No name has a
// control character in it, so these set them apart:
//
//	functions  \n echo \n set \n
//	variables  \n 2 \t state \n 9 \t temperature \n
type application struct{ functions, variables string }

// newApplication gives the application part of a describe.
func newApplication(d *spark.Describe) unique.Handle[application] {
	var functions, variables strings.Builder
	functions.WriteByte('\n')
	for _, name := range d.Functions {
		functions.WriteString(name + "\n")
	}
	variables.WriteByte('\n')
	for _, v := range d.Variables {
		variables.WriteString(strconv.Itoa(int(v.Type)) + "\t" + v.Name + "\n")
	}
	return unique.Make(application{functions.String(), variables.String()})
}

// plain tells whether a name can be one at all.
func plain(name string) bool { return name != "" && !strings.ContainsAny(name, "\n\t") }

func (a application) hasFunction(name string) bool {
	return plain(name) && strings.Contains(a.functions, "\n"+name+"\n")
}

// variable gives the type of a variable, which the answer does not tell.
func (a application) variable(name string) (spark.VariableType, bool) {
	at := strings.Index(a.variables, "\t"+name+"\n")
	if !plain(name) || at < 0 {
		return 0, false
	}
	number := a.variables[strings.LastIndexByte(a.variables[:at], '\n')+1 : at]
	t, err := strconv.ParseUint(number, 10, 8)
	return spark.VariableType(t), err == nil
}

// describe gives it all in the house's words.
func (a application) describe() (d device.Describe) {
	for name := range strings.SplitSeq(strings.Trim(a.functions, "\n"), "\n") {
		if name != "" {
			d.Functions = append(d.Functions, name)
		}
	}
	for line := range strings.SplitSeq(strings.Trim(a.variables, "\n"), "\n") {
		number, name, ok := strings.Cut(line, "\t")
		if t, err := strconv.ParseUint(number, 10, 8); ok && err == nil {
			d.Variables = append(d.Variables, device.Variable{Name: name, Type: device.VariableType(t)})
		}
	}
	return d
}

func (s *Session) knowsApplication() bool { return s.app != unique.Handle[application]{} }

// Describe gives what the application offers; ok tells whether it said so.
func (s *Session) Describe() (d device.Describe, ok bool) {
	if !s.knowsApplication() {
		return device.Describe{}, false
	}
	return s.app.Value().describe(), true
}
