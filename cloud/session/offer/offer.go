// Package offer is the text in which a session keeps what a device's application
// offers: short, comparable, and the same for all devices that run the same, so
// that they can share it.
package offer

import (
	"strconv"
	"strings"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Text is functions, and variables with their types. These characters set them
// apart, and no name that has one of them is taken:
//
//	\n echo \n set \n \x00 \n 2 \t state \n 9 \t temperature \n
type Text string

// New gives the application part of a describe.
func New(d *spark.Describe) Text {
	var b strings.Builder
	b.WriteByte('\n')
	for _, name := range d.Functions {
		if plain(name) {
			b.WriteString(name + "\n")
		}
	}
	b.WriteString("\x00\n")
	for _, v := range d.Variables {
		if plain(v.Name) {
			b.WriteString(strconv.Itoa(int(v.Type)) + "\t" + v.Name + "\n")
		}
	}
	return Text(b.String())
}

// Join is the inverse of Parts. ok: they can be parts of one.
func Join(functions, variables string) (t Text, ok bool) {
	ok = strings.HasPrefix(functions, "\n") && strings.HasPrefix(variables, "\n") && !strings.Contains(functions, "\x00")
	return Text(functions + "\x00" + variables), ok
}

// Parts gives functions and variables, which are stored one behind the other.
func (t Text) Parts() (functions, variables string) {
	functions, variables, _ = strings.Cut(string(t), "\x00")
	return functions, variables
}

// plain tells whether a name can be one at all.
func plain(name string) bool { return name != "" && !strings.ContainsAny(name, "\n\t\x00") }

// HasFunction tells whether the device has the function.
func (t Text) HasFunction(name string) bool {
	functions, _ := t.Parts()
	return plain(name) && strings.Contains(functions, "\n"+name+"\n")
}

// Variable gives the type of a variable, which a device's answer does not tell.
func (t Text) Variable(name string) (spark.VariableType, bool) {
	_, variables := t.Parts()
	at := strings.Index(variables, "\t"+name+"\n")
	if !plain(name) || at < 0 {
		return 0, false
	}
	number := variables[strings.LastIndexByte(variables[:at], '\n')+1 : at]
	is, err := strconv.ParseUint(number, 10, 8)
	return spark.VariableType(is), err == nil
}

// Describe gives it all in the house's words.
func (t Text) Describe() (d device.Describe) {
	functions, variables := t.Parts()
	for name := range strings.SplitSeq(strings.Trim(functions, "\n"), "\n") {
		if name != "" {
			d.Functions = append(d.Functions, name)
		}
	}
	for line := range strings.SplitSeq(strings.Trim(variables, "\n"), "\n") {
		number, name, ok := strings.Cut(line, "\t")
		if is, err := strconv.ParseUint(number, 10, 8); ok && err == nil {
			d.Variables = append(d.Variables, device.Variable{Name: name, Type: device.VariableType(is)})
		}
	}
	return d
}
