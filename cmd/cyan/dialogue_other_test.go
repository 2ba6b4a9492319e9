//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// Stories with dialogues begin with "[!linux] skip".

func dialogue(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("there are dialogues on Linux only")
}

func otp(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("there are dialogues on Linux only")
}
