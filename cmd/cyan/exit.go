package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// exitCode is what the process ends with. The numbers are an interface:
// scripts branch on them, so one is never given another meaning.
type exitCode int

const (
	exitOK              exitCode = 0
	exitFailed          exitCode = 1
	exitUsage           exitCode = 2
	exitInvalid         exitCode = 3
	exitUnauthenticated exitCode = 4
	exitDenied          exitCode = 5
	exitNotFound        exitCode = 6
	exitConflict        exitCode = 7
	exitOffline         exitCode = 8
	exitTimeout         exitCode = 9
	exitCloud           exitCode = 10
	exitUnreachable     exitCode = 11
	exitKeys            exitCode = 12
	exitFirmware        exitCode = 13
	exitAsleep          exitCode = 14
	exitNotProvisioned  exitCode = 15
	exitBusy            exitCode = 16
	exitDevice          exitCode = 17
	exitPartly          exitCode = 18
	exitUnclear         exitCode = 20
	exitInterrupted     exitCode = 130
)

// exitMeanings is what `cyan help exit-codes` prints.
var exitMeanings = []struct {
	code    exitCode
	meaning string
}{
	{exitOK, "done"},
	{exitFailed, "failed in an unforeseen way"},
	{exitUsage, "used wrongly: a flag, an argument or a setting"},
	{exitInvalid, "the cloud cannot understand the request: change it"},
	{exitUnauthenticated, "the token or the password is not good: log in"},
	{exitDenied, "known, but not allowed"},
	{exitNotFound, "no such device, function, variable or file"},
	{exitConflict, "it contradicts what is there, or a name means several devices"},
	{exitOffline, "the device is not connected"},
	{exitTimeout, "the device did not answer in time"},
	{exitCloud, "the cloud has a fault or is overloaded: try again later"},
	{exitUnreachable, "the cloud cannot be reached from here; of doctor: the device's network or power"},
	{exitKeys, "of doctor: keys, the device's or the server's in it"},
	{exitFirmware, "of doctor: the device's firmware"},
	{exitAsleep, "of doctor: the device sleeps"},
	{exitNotProvisioned, "of doctor: the device is not registered"},
	{exitBusy, "too much at once: slow down"},
	{exitDevice, "the device answered with an error"},
	{exitPartly, "of several things some are done and others not: the lines tell which"},
	{exitUnclear, "of doctor: nothing that is known explains it"},
	{exitInterrupted, "interrupted before it was done"},
}

// exitOfKind is the one table from the house's kinds of failure to exit codes.
var exitOfKind = map[fault.Kind]exitCode{
	fault.Internal:        exitFailed,
	fault.Invalid:         exitInvalid,
	fault.Unauthenticated: exitUnauthenticated,
	fault.Denied:          exitDenied,
	fault.NotFound:        exitNotFound,
	fault.Conflict:        exitConflict,
	fault.Offline:         exitOffline,
	fault.Timeout:         exitTimeout,
	fault.Busy:            exitBusy,
	fault.Unavailable:     exitCloud,
}

// exitOfStatus has the HTTP statuses that an API answers failures with, and
// exitOfAnswer the codes in its error bodies that say more than the status.
var (
	exitOfStatus = map[int]exitCode{
		400: exitInvalid, 401: exitUnauthenticated, 403: exitDenied, 404: exitNotFound, 405: exitInvalid,
		408: exitTimeout, 409: exitConflict, 413: exitInvalid, 429: exitBusy, 500: exitCloud, 501: exitInvalid,
		502: exitCloud, 503: exitCloud, 504: exitCloud,
	}
	exitOfAnswer = map[string]exitCode{
		rest.CodeCredentials:       exitUnauthenticated,
		rest.CodeTokenMissing:      exitUnauthenticated,
		rest.CodeSecondFactor:      exitUnauthenticated,
		rest.CodeSecondFactorWrong: exitUnauthenticated,
		rest.CodeTicketOver:        exitUnauthenticated,
		rest.CodeDeviceUnknown:     exitNotFound,
		rest.CodeNotConnected:      exitOffline,
		rest.CodeDeviceError:       exitDevice,
		rest.CodeDeviceRefused:     exitDevice,
		rest.CodeBadAnswer:         exitDevice,
	}
)

// problem is an error that knows its exit code and the next step.
type problem struct {
	code  exitCode
	text  string
	hints []string
	err   error // the cause, for errors.Is; its text is in text already
}

func (p *problem) Error() string { return p.text }
func (p *problem) Unwrap() error { return p.err }

func fail(code exitCode, text string, hints ...string) error {
	return &problem{code: code, text: text, hints: hints}
}

func misuse(text string, hints ...string) error { return fail(exitUsage, text, hints...) }

// advise keeps an error's text and adds a next step to it.
func advise(err error, hints ...string) error {
	p := diagnose(err)
	return &problem{code: p.code, text: p.text, hints: append(hints, p.hints...), err: err}
}

// diagnose finds the exit code, the words and the next step of any error.
func diagnose(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if errors.Is(err, context.Canceled) {
		return &problem{code: exitInterrupted, text: "interrupted", err: err}
	}
	if p := fromAPI(err); p != nil {
		return p
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return unreachable(e)
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return &problem{code: exitOfKind[fault.KindOf(err)], text: err.Error(), err: err}
	}
	return &problem{code: exitFailed, text: err.Error(), err: err}
}

// unreachable says why no answer came from a cloud.
func unreachable(e *url.Error) *problem {
	p := &problem{code: exitUnreachable, err: e, hints: []string{"is it running, and is --api its address?"}}
	cause := e.Err
	if op, ok := errors.AsType[*net.OpError](e.Err); ok {
		cause = op
	}
	base := e.URL
	if u, err := url.Parse(e.URL); err == nil {
		base = u.Scheme + "://" + u.Host
	}
	p.text = "no answer from " + base + ": " + cause.Error()
	return p
}

func exitCodesTopic() *cobra.Command {
	lines := []string{"Every verb ends with one of these codes. They never change their meaning.", ""}
	for _, m := range exitMeanings {
		lines = append(lines, padded(itoa(int(m.code)), 5)+m.meaning)
	}
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: strings.Join(lines, "\n")}
}
