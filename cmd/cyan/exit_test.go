package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// answered is an error as the API gives it.
func answered(status int, code string) *client.Error {
	return &client.Error{Status: status, Body: rest.Error{Description: "It is so", Code: code, RequestID: "r1"}}
}

func TestExitCodeOfErrors(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want exitCode
	}{
		{nil, exitOK},
		{errors.New("anything"), exitFailed},
		{misuse("wrong"), exitUsage},
		{fmt.Errorf("wrapped: %w", misuse("wrong")), exitUsage},
		{context.Canceled, exitInterrupted},
		{fault.Errorf(fault.Conflict, "two of them"), exitConflict},
		{fault.E(fault.Unavailable, "no database", errors.New("disk")), exitCloud},
		{&url.Error{Op: "Get", URL: "http://cloud/v1/devices", Err: errors.New("refused")}, exitUnreachable},
		{answered(400, rest.CodeArgumentTooLong), exitInvalid},
		{answered(400, rest.CodeCredentials), exitUnauthenticated},
		{answered(401, rest.CodeTokenInvalid), exitUnauthenticated},
		{answered(403, rest.CodeDeviceUnknown), exitNotFound},
		{answered(403, rest.CodeReservedEventName), exitDenied},
		{answered(404, rest.CodeFunctionUnknown), exitNotFound},
		{answered(408, rest.CodeNotConnected), exitOffline},
		{answered(408, rest.CodeSentNoAck), exitTimeout},
		{answered(408, rest.CodeAckedNoResponse), exitTimeout},
		{answered(409, rest.CodeNameAmbiguous), exitConflict},
		{answered(429, rest.CodeDeviceBusy), exitBusy},
		{answered(502, rest.CodeDeviceError), exitDevice},
		{answered(503, rest.CodeStoreUnavailable), exitCloud},
		{answered(418, "teapot"), exitFailed},
	} {
		c := &cli{err: new(bytes.Buffer)}
		if got := c.report(tc.err); got != tc.want {
			t.Errorf("%v: exit code %d, want %d", tc.err, got, tc.want)
		}
	}
}

// Every kind of failure has an exit code that the help explains.
func TestEveryKindHasAnExitCode(t *testing.T) {
	explained := map[exitCode]bool{}
	for _, m := range exitMeanings {
		if explained[m.code] {
			t.Errorf("exit code %d is explained twice", m.code)
		}
		explained[m.code] = true
	}
	for kind := fault.Internal; kind <= fault.Unavailable; kind++ {
		code, ok := exitOfKind[kind]
		if !ok || !explained[code] || code == exitOK {
			t.Errorf("kind %s has exit code %d, which is not explained", kind, code)
		}
	}
	for name, code := range exitOfAnswer {
		if !explained[code] {
			t.Errorf("answer %s has exit code %d, which is not explained", name, code)
		}
	}
	for status, code := range exitOfStatus {
		if !explained[code] {
			t.Errorf("status %d has exit code %d, which is not explained", status, code)
		}
	}
}

// An error of the API shows its sentence, the request, who could have been
// meant and whether the cloud is to blame.
func TestErrorIsReportedWithItsNextSteps(t *testing.T) {
	var talk bytes.Buffer
	c := &cli{err: &talk}
	e := answered(409, rest.CodeNameAmbiguous)
	e.Body.Candidates = []rest.Candidate{{ID: "01", Name: "Oven"}, {ID: "02", Name: "oven"}}
	e.Body.Cloud = &rest.CloudState{Status: rest.CloudDegraded}
	c.report(fmt.Errorf("calling: %w", e))
	want := "error: It is so (request r1)\n" +
		"hint: did you mean 01 (Oven)?\nhint: did you mean 02 (oven)?\n" +
		"hint: the cloud says of itself that it is degraded: this is not your device's fault\n"
	if diff := cmp.Diff(want, talk.String()); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
}

// What cannot be reached is named without the path that was asked for.
func TestUnreachableCloud(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	p := diagnose(&url.Error{Op: "Get", URL: "https://cloud.example.com/v1/devices?secret=1", Err: dial})
	if want := "no answer from https://cloud.example.com: dial tcp: connection refused"; p.text != want {
		t.Errorf("text %q, want %q", p.text, want)
	}
}
