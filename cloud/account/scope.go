package account

import (
	"slices"
	"strings"

	"github.com/cyan-cloud/cyan/cloud/fault"
)

// Scope is a right that a token can be limited to, in the words that makers
// know from their scripts.
type Scope string

// The scopes of the routes that there are.
const (
	DevicesList       Scope = "devices:list"
	DevicesGet        Scope = "devices:get"
	DevicesUpdate     Scope = "devices:update"
	DevicesImport     Scope = "devices:import"
	DevicesPing       Scope = "devices:ping"
	DevicesRelease    Scope = "devices:release"
	VariableGet       Scope = "devices.variable:get"
	FunctionCall      Scope = "devices.function:call"
	DiagnosticsGet    Scope = "devices.diagnostics:get"
	DiagnosticsUpdate Scope = "devices.diagnostics:update"
	EventsGet         Scope = "events:get"
	EventsSend        Scope = "events:send"
	AuditGet          Scope = "audit:get"
	Account           Scope = "account"
	SignalsRead       Scope = "signals:read"
	Drill             Scope = "drill"
)

// Scopes is the table of scopes, with what each allows.
func Scopes() []ScopeRow { return scopes }

// ScopeRow is a row of the table of scopes.
type ScopeRow struct {
	Scope  Scope
	Allows string // for people
}

var scopes = []ScopeRow{
	{DevicesList, "list the devices"},
	{DevicesGet, "look at a device: its state, its functions and variables, its attempts to connect"},
	{DevicesUpdate, "name a device, write notes about it, make it signal"},
	{DevicesImport, "register and claim devices, ask for a transfer, get claim codes"},
	{DevicesPing, "ask a device whether it is there"},
	{DevicesRelease, "give devices up, or hand them over"},
	{VariableGet, "read variables"},
	{FunctionCall, "call functions"},
	{DiagnosticsGet, "read what devices said of their health"},
	{DiagnosticsUpdate, "ask a device about its health"},
	{EventsGet, "hear events"},
	{EventsSend, "publish events"},
	{AuditGet, "read the audit log"},
	{Account, "the account itself: its name, its tokens, its service accounts, its second factor, its end"},
	{SignalsRead, "read what the cloud counted, and which drills there are, for the watchtower"},
	{Drill, "break the ingress that only canaries use, as an exercise; administrators only"},
}

// ParseScopes reads a list of scopes, with spaces or commas between. Invalid
// if one of them is unknown. Each is there once, in the order of the table.
func ParseScopes(list string) ([]Scope, error) {
	words := strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' })
	var all []Scope
	for _, row := range scopes {
		if slices.Contains(words, string(row.Scope)) {
			all = append(all, row.Scope)
		}
	}
	for _, word := range words {
		if !slices.Contains(all, Scope(word)) {
			return nil, fault.Errorf(fault.Invalid, "there is no scope %.40q", word)
		}
	}
	return all, nil
}
