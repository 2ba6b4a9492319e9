package main

import (
	"net"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
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

// port VARIABLE puts a port of 127.0.0.1 that nobody has into a variable.
func port(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: port VARIABLE")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, number, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
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
		l, err := net.Listen("tcp", args[0])
		if err == nil {
			_ = l.Close()
		}
		if (err == nil) != neg {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s stays as it is", args[0])
		}
	}
}
