package doctor_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/doctor"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// tried is an attempt that ended so long ago.
func tried(ago time.Duration, why device.Reason) device.Attempt {
	a := device.Attempt{Transport: "udp", Started: noon.Add(-ago - time.Second), Ended: noon.Add(-ago), Reason: why, Outcome: device.Failed, Detail: "what was seen"}
	if why == device.ReasonNone || why == device.Resumed {
		a.Outcome = device.Succeeded
	}
	return a
}

func state(w device.Word, why device.Reason, heardAgo, provenAgo time.Duration) device.State {
	s := device.State{Word: w, Reason: why, Since: noon.Add(-time.Hour), KeepAlive: 25 * time.Second}
	if heardAgo > 0 {
		s.LastSeen = noon.Add(-heardAgo)
	}
	if provenAgo > 0 {
		s.ProvenAt = noon.Add(-provenAgo)
	}
	return s
}

func file(s device.State, tries ...device.Attempt) doctor.Facts {
	return doctor.Facts{Now: noon, Registered: true, HasKey: true, State: s, Attempts: tries}
}

// hung is a device that acknowledged so many calls and answered none, and answers
// a ping.
func hung(calls int) doctor.Facts {
	f := file(state(device.Online, "", time.Second, time.Second))
	f.Answered, f.PingedAt, f.Unheard, f.UnheardSince = doctor.PingAnswered, noon.Add(-time.Second), calls, noon.Add(-time.Minute)
	return f
}

// nearby is a device that is away, and somebody who knocked since where it was.
func nearby(why device.Reason) doctor.Facts {
	f := file(device.State{Word: device.Offline})
	f.Device.LastHeard = noon.Add(-time.Hour)
	f.Nearby = []device.Attempt{tried(time.Minute, why)}
	return f
}

// restarted is a cloud that started two minutes ago, and a device that was
// heard last so long before.
func restarted(before time.Duration) doctor.Facts {
	f := file(device.State{Word: device.Offline})
	f.Cloud.Started = noon.Add(-2 * time.Minute)
	f.Device.LastHeard = f.Cloud.Started.Add(-before)
	return f
}

// outage is devices failing to connect for two minutes, and one of them that was
// heard last so long ago; 0: never.
func outage(heardAgo time.Duration, tries ...device.Attempt) doctor.Facts {
	f := file(state(device.Offline, device.PeerClosed, heardAgo, 0), tries...)
	f.Cloud.Outage, f.Cloud.OutageSince = "Devices that start now cannot connect", noon.Add(-2*time.Minute)
	return f
}

// TestVerdicts is what is known, and what it comes to.
func TestVerdicts(t *testing.T) {
	offline := state(device.Offline, device.KeepAliveMissed, 10*time.Minute, 11*time.Minute)
	for name, c := range map[string]struct {
		facts doctor.Facts
		edit  func(*doctor.Facts)
		want  doctor.Cause
		says  string
	}{
		"answers":               {file(state(device.Online, "", 5*time.Second, 5*time.Second)), nil, doctor.Fine, "answers"},
		"answers a ping":        {file(state(device.Online, "", 5*time.Second, time.Hour)), func(f *doctor.Facts) { f.Answered = doctor.PingAnswered }, doctor.Fine, "answers"},
		"store down":            {file(offline, tried(time.Minute, device.TimeoutWaiting)), func(f *doctor.Facts) { f.Cloud.StoreDown = true }, doctor.CloudFault, "not your device"},
		"bus down":              {file(state(device.Unknown, "", 0, 0)), func(f *doctor.Facts) { f.Cloud.BusDown = true }, doctor.CloudFault, "gateways"},
		"door shut":             {file(offline), func(f *doctor.Facts) { f.Cloud.DoorShut = true }, doctor.CloudFault, "closed its port"},
		"key store down":        {file(offline, tried(time.Minute, device.KeyStoreUnavailable)), nil, doctor.CloudFault, "could not let it in"},
		"overloaded":            {file(offline, tried(time.Minute, device.Overloaded)), nil, doctor.CloudFault, "could not let it in"},
		"session lost":          {file(offline, tried(time.Minute, device.SessionLost)), nil, doctor.CloudFault, "lost the device's session"},
		"everybody fails":       {file(offline, tried(time.Minute, device.TimeoutWaiting)), func(f *doctor.Facts) { f.Cloud.Tried, f.Cloud.OursFailed = 20, 15 }, doctor.CloudFault, "Most devices"},
		"not registered":        {doctor.Facts{Now: noon}, nil, doctor.NotProvisioned, "not registered"},
		"no key":                {doctor.Facts{Now: noon, Registered: true}, nil, doctor.NotProvisioned, "no key"},
		"unknown key":           {file(offline, tried(time.Minute, device.UnknownDevice)), nil, doctor.NotProvisioned, "nobody has registered"},
		"another key":           {file(offline, tried(time.Minute, device.KeyMismatch)), nil, doctor.Keys, "another key"},
		"not its key":           {file(offline, tried(time.Minute, device.BadSignature)), nil, doctor.Keys, "prove"},
		"another server's key":  {file(offline, tried(time.Minute, device.WrongServerKey)), nil, doctor.Keys, "another server's key"},
		"two with one key":      {file(state(device.Limbo, device.NoAnswer, time.Second, 0), tried(time.Minute, device.DoubleIdentity)), nil, doctor.Keys, "Two boards"},
		"two, one answers":      {file(state(device.Online, "", time.Second, time.Second), tried(time.Second, device.ReasonNone), tried(time.Minute, device.DoubleIdentity)), nil, doctor.Keys, "Two boards"},
		"were two":              {file(state(device.Online, "", time.Second, time.Second), tried(time.Hour, device.DoubleIdentity)), nil, doctor.Fine, "answers"},
		"cut in the middle":     {file(offline, tried(time.Minute, device.TimeoutWaiting)), nil, doctor.Network, "begins to shake hands"},
		"closed in the middle":  {file(offline, tried(time.Minute, device.PeerClosed)), nil, doctor.Network, "closed in the middle"},
		"silent":                {file(offline, tried(time.Hour, device.ReasonNone)), nil, doctor.Network, "without power or without network"},
		"never came":            {file(state(device.NeverSeen, "", 0, 0)), nil, doctor.Network, "nothing of it has ever arrived"},
		"hears nothing":         {file(state(device.Limbo, device.NoAnswer, 5*time.Second, 3*time.Minute)), nil, doctor.Network, "does not hear us"},
		"just gone":             {file(state(device.Online, "", 3*time.Minute, 3*time.Minute)), func(f *doctor.Facts) { f.Answered = doctor.PingLost }, doctor.Network, "does not answer"},
		"application hangs":     {file(state(device.Limbo, device.ApplicationSilent, time.Second, time.Second)), func(f *doctor.Facts) { f.Answered = doctor.PingAnswered }, doctor.Firmware, "its application does not"},
		"one call unanswered":   {hung(1), nil, doctor.Firmware, "did not answer the last call."},
		"three of them":         {hung(3), nil, doctor.Firmware, "did not answer the last 3 calls."},
		"calls fail everywhere": {hung(3), func(f *doctor.Facts) { f.Cloud.CallsFail = "Function calls fail" }, doctor.CloudFault, "calls fail just now"},
		"unanswered, ping lost": {hung(3), func(f *doctor.Facts) { f.Answered = doctor.PingLost }, doctor.Network, "does not answer"},
		"unanswered, gone":      {hung(3), func(f *doctor.Facts) { f.State, f.Answered = offline, doctor.NotPinged }, doctor.Network, "without power"},
		"no hello":              {file(offline, tried(time.Minute, device.NoHello)), nil, doctor.Firmware, "does not say who it is"},
		"never ready":           {file(offline, tried(time.Minute, device.StartupIncomplete)), nil, doctor.Firmware, "start-up"},
		"nonsense":              {file(offline, tried(time.Minute, device.Malformed)), nil, doctor.Firmware, "decoded"},
		"asleep":                {file(state(device.Asleep, device.DeviceSleep, time.Hour, time.Hour)), nil, doctor.Asleep, "sleep"},
		"goodbye":               {file(state(device.Offline, device.DeviceGoodbye, time.Hour, time.Hour)), nil, doctor.Asleep, "goodbye"},
		"old failure":           {file(offline, tried(10*time.Hour, device.KeyStoreUnavailable)), nil, doctor.Network, "without power"},
		"server key, nearby":    {nearby(device.WrongServerKey), nil, doctor.Keys, "another server's key"},
		"key store, nearby":     {nearby(device.KeyStoreUnavailable), nil, doctor.CloudFault, "most likely the device"},
		"nearby, but connected": {nearby(device.WrongServerKey), func(f *doctor.Facts) { f.State = state(device.Online, "", time.Second, time.Second) }, doctor.Fine, "answers"},
		"nearby, but before":    {nearby(device.WrongServerKey), func(f *doctor.Facts) { f.Device.LastHeard = noon.Add(-time.Second) }, doctor.Network, "without power"},
		"gone with a restart":   {restarted(time.Minute), nil, doctor.CloudFault, "until the cloud was restarted"},
		"gone before it":        {restarted(10 * time.Minute), nil, doctor.Network, "without power"},
		"gone after it":         {restarted(time.Minute), func(f *doctor.Facts) { f.State.Since = noon }, doctor.Network, "without power"},
		"gone long since":       {restarted(time.Minute), func(f *doctor.Facts) { f.Now = noon.Add(time.Hour) }, doctor.Network, "without power"},
		"outage":                {outage(time.Minute), nil, doctor.CloudFault, "as its status page says"},
		"outage, timed out":     {outage(time.Minute, tried(time.Second, device.TimeoutWaiting)), nil, doctor.CloudFault, "as its status page says"},
		"outage, another key":   {outage(time.Minute, tried(time.Second, device.KeyMismatch)), nil, doctor.Keys, "another key"},
		"outage, gone before":   {outage(time.Hour), nil, doctor.Network, "without power"},
		"outage, never came":    {outage(0), nil, doctor.CloudFault, "as its status page says"},
		"outage, but connected": {outage(time.Minute), func(f *doctor.Facts) { f.State = state(device.Online, "", time.Second, time.Second) }, doctor.Fine, "answers"},
		"came in since":         {file(state(device.Online, "", time.Second, time.Second), tried(time.Minute, device.TimeoutWaiting)), nil, doctor.Fine, "answers"},
	} {
		if c.edit != nil {
			c.edit(&c.facts)
		}
		v := doctor.Diagnose(&c.facts)
		if v.Cause != c.want || !strings.Contains(v.Says, c.says) {
			t.Errorf("%s: %s, %q; want %s and %q", name, v.Cause, v.Says, c.want, c.says)
		}
		if v.Next == "" || v.Confidence == "" || (v.Cause == doctor.Fine) != (v.Cause.Exit() == 0) {
			t.Errorf("%s: next %q, confidence %q, exit %d", name, v.Next, v.Confidence, v.Cause.Exit())
		}
	}
}

// TestNeverBlamesTheUser holds that a fault of ours is called that, whatever
// else there is to see of the device.
func TestNeverBlamesTheUser(t *testing.T) {
	ours := []device.Reason{device.ServerInternal, device.KeyStoreUnavailable, device.Overloaded, device.SessionLost, device.NotRestored}
	all := append([]device.Reason{
		device.KeyMismatch, device.TimeoutWaiting, device.PeerClosed, device.WrongServerKey, device.UnknownDevice, device.NoHello, device.Resumed,
	}, ours...)
	rapid.Check(t, func(t *rapid.T) {
		f := file(state(device.Word(rapid.IntRange(0, int(device.Unknown)).Draw(t, "word")), rapid.SampledFrom(append(all, device.NoAnswer, device.ApplicationSilent)).Draw(t, "reason"),
			time.Duration(rapid.IntRange(0, 600).Draw(t, "heard"))*time.Second, time.Duration(rapid.IntRange(0, 600).Draw(t, "proven"))*time.Second))
		f.Registered, f.HasKey = rapid.Bool().Draw(t, "registered"), rapid.Bool().Draw(t, "key")
		f.Answered = doctor.Ping(rapid.IntRange(0, 2).Draw(t, "ping"))
		f.Attempts = append(f.Attempts, tried(time.Duration(rapid.IntRange(0, 800).Draw(t, "ago"))*time.Second, rapid.SampledFrom(ours).Draw(t, "ours")))
		for range rapid.IntRange(0, 5).Draw(t, "more") {
			f.Attempts = append(f.Attempts, tried(time.Duration(rapid.IntRange(0, 8000).Draw(t, "ago"))*time.Second, rapid.SampledFrom(all).Draw(t, "why")))
		}
		f.Unheard = rapid.IntRange(0, 4).Draw(t, "unheard")
		if rapid.Bool().Draw(t, "store down") {
			f.Cloud.StoreDown = true
			f.Attempts = f.Attempts[1:]
		}
		if v := doctor.Diagnose(&f); v.Cause != doctor.CloudFault {
			t.Fatalf("%+v is laid at %s: %s", f, v.Cause, v.Says)
		}
	})
}
