package main

import (
	"net"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	freeport "github.com/cyan-cloud/cyan/internal/port"
)

// slay NAME kills a program of start: it gets no chance to say anything.
func slay(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || running(ts)[args[0]] == nil {
		ts.Fatalf("usage: slay NAME, of a program that was started")
	}
	p := running(ts)[args[0]]
	ts.Check(p.cmd.Process.Kill())
	<-p.done
}

// port VARIABLE puts a port of 127.0.0.1 that nobody has, and that nobody gets
// who asks for any, into a variable.
func port(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: port VARIABLE")
	}
	_, number, err := net.SplitHostPort(freeport.Free(ts.Value(story{}).(testing.TB)))
	ts.Check(err)
	ts.Setenv(args[0], number)
}

// deserted ADDRESS waits until nobody listens there; with !, until somebody
// does.
func deserted(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: deserted ADDRESS")
	}
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if neg == listened(args[0]) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s stays as it is", args[0])
		}
	}
}

// listened tells whether somebody listens there. It does not listen itself, or
// who is about to would find the port taken.
func listened(at string) bool {
	c, err := net.Dial("tcp", at)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
