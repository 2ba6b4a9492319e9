package main

import (
	"bytes"
	"encoding/base32"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/test/tty"
)

var shownSecret = regexp.MustCompile(`secret  ([A-Z2-7]{32})`)

// dialogue FILE PROGRAM ARGS… runs a program on a terminal. A line of the file
// is a question, "=>" and what is typed when it is there; OTP stands for a code
// of the secret that was shown last. What is on the terminal goes to
// dialogue.out.
func dialogue(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: dialogue FILE program args…")
	}
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.Getenv("WORK")
	for _, key := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "TZ", "GOCOVERDIR", "CYAN_API", "CYAN_DATA", "CYAN_JSON"} {
		cmd.Env = append(cmd.Env, key+"="+ts.Getenv(key))
	}
	front, err := tty.Start(cmd, narrow)
	ts.Check(err)
	defer front.Close()
	stop := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()

	lines := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	var all bytes.Buffer
	fresh := 0
	for b := make([]byte, 1024); ; {
		n, err := front.Read(b)
		all.Write(b[:n])
		if m := shownSecret.FindSubmatch(all.Bytes()); m != nil {
			ts.Setenv("SECRET", string(m[1]))
		}
		question, answer, _ := strings.Cut(lines[0], " => ")
		if question != "" && strings.Contains(all.String()[fresh:], question) {
			fresh = all.Len()
			if lines = lines[1:]; len(lines) == 0 {
				lines = []string{""}
			}
			if answer == "OTP" {
				answer = nextOTP(ts)
			}
			_, err = front.WriteString(os.Expand(answer, ts.Getenv) + "\r")
		}
		if err != nil { // nobody holds the other end any more
			break
		}
	}
	err = cmd.Wait()
	ts.Check(os.WriteFile(ts.MkAbs("dialogue.out"), bytes.ReplaceAll(all.Bytes(), []byte("\r\n"), []byte("\n")), 0o600))
	if lines[0] != "" {
		ts.Fatalf("nobody asked %s:\n%s", lines[0], &all)
	}
	if (err == nil) == neg {
		ts.Fatalf("%v:\n%s", err, &all)
	}
}

// otpLeft is how long a code is good for at least.
const otpLeft = 15 * time.Second

// nextOTP makes a code that was not used before. The cloud takes those of the
// half minutes around now, so the first ones come without waiting; none of them
// is about to end.
func nextOTP(ts *testscript.TestScript) string {
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(ts.Getenv("SECRET"))
	ts.Check(err)
	last, _ := strconv.ParseInt(ts.Getenv("OTP_STEP"), 10, 64) // none is zero
	step := max(last+1, account.CodeStep(time.Now().Add(otpLeft))-1)
	for tick := time.NewTicker(time.Second); step > account.CodeStep(time.Now())+1; {
		<-tick.C
	}
	ts.Setenv("OTP_STEP", strconv.FormatInt(step, 10))
	return account.Code(secret, step)
}

// otp VARIABLE puts a code that was not used before into a variable.
func otp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: otp VARIABLE")
	}
	ts.Setenv(args[0], nextOTP(ts))
}
