package api

import (
	"net/netip"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// stateOf completes what the gateways say of a device: of one that none of
// them knows, the store tells whether it ever came.
func stateOf(d *device.Device, known map[device.ID]device.State) device.State {
	if s, ok := known[d.ID]; ok {
		return s
	}
	return lastState(d)
}

// lastState is the state of a device that no gateway knows: that it is not
// connected is certain, since when is not.
func lastState(d *device.Device) device.State {
	if d.LastHeard.IsZero() && d.LastHandshake.IsZero() {
		return device.State{Word: device.NeverSeen, Since: d.Created}
	}
	last := d.LastHeard
	if last.Before(d.LastHandshake) {
		last = d.LastHandshake
	}
	return device.State{Word: device.Offline, LastSeen: last}
}

// view is a device as the API shows it. owner is its owner's username.
func view(d *device.Device, s device.State, owner string, now time.Time) rest.Device {
	v := rest.Device{
		ID: d.ID.String(), Name: rest.Text(d.Name), Owner: rest.Text(owner), Notes: rest.Text(d.Notes), Restart: restartWord(d.Restart),
		LastIPAddress:   rest.Text(host(d.LastAddress)),
		LastHeard:       rest.At(lastHeard(d, s)),
		LastHandshakeAt: rest.At(d.LastHandshake),
		ProductID:       int(d.ProductID), PlatformID: int(d.PlatformID),
		Connected: s.Connected(), Online: s.Connected(),
		DescribedAt: rest.At(d.DescribedAt), Stale: !s.Connected(),
		State: s.Word.String(), StateSince: rest.At(s.Since), Reason: rest.Text(s.Reason),
		ProvenAt: rest.At(s.ProvenAt), Proven: s.Proven(now),
		SystemFirmwareVersion: rest.Text(device.SystemVersion(d.System)), CurrentBuildTarget: rest.Text(device.SystemVersion(d.System)),
		Status: "normal", Cellular: cellular(d.PlatformID), UpdatesEnabled: true,
		Protection: rest.DeviceProtection{Status: "disabled"}, Groups: []string{},
	}
	if s.Connected() {
		v.Transport = rest.Text(s.Transport)
		if address := host(s.Address); address != "" {
			v.LastIPAddress = rest.Text(address)
		}
	}
	if !d.DescribedAt.IsZero() {
		v.Functions = append([]string{}, d.Describe.Functions...)
		v.Variables = make(map[string]string, len(d.Describe.Variables))
		for _, variable := range d.Describe.Variables {
			v.Variables[variable.Name] = variable.Type.String()
		}
	}
	return v
}

// deviceState is what an error says of a device. An empty state means that
// no gateway knows it.
func deviceState(d *device.Device, s device.State) *rest.DeviceState {
	if s == (device.State{}) || s.Word == device.Offline && s.Since.IsZero() {
		s = lastState(d)
	}
	return &rest.DeviceState{
		ID: d.ID.String(), Name: rest.Text(d.Name), Connected: s.Connected(), State: s.Word.String(),
		StateSince: rest.At(s.Since), Reason: rest.Text(s.Reason), ProvenAt: rest.At(s.ProvenAt),
		LastHeard: rest.At(lastHeard(d, s)),
	}
}

// since says in words what keeps a device from being called.
func since(d *device.Device, s device.State) string {
	if s == (device.State{}) || s.Word == device.Offline && s.Since.IsZero() {
		s = lastState(d)
	}
	var b strings.Builder
	switch s.Word {
	case device.NeverSeen:
		return "has never connected"
	case device.Offline, device.Online, device.Limbo: // the two last are over by now
		if s.Since.IsZero() && !s.LastSeen.IsZero() {
			return "is offline; it was last heard at " + s.LastSeen.UTC().Format(time.RFC3339)
		}
		b.WriteString("has been offline")
	case device.Refused:
		b.WriteString("is refused")
	default:
		b.WriteString("has been " + s.Word.String())
	}
	if !s.Since.IsZero() {
		b.WriteString(" since " + s.Since.UTC().Format(time.RFC3339))
	}
	if s.Reason != "" {
		b.WriteString(" (" + strings.ReplaceAll(string(s.Reason), "_", " ") + ")")
	}
	return b.String()
}

// coreInfo is what stands beside a variable's value.
func coreInfo(d *device.Device, res bus.Result) rest.CoreInfo {
	return rest.CoreInfo{
		Name: rest.Text(d.Name), DeviceID: d.ID.String(), Connected: true,
		LastHeard: rest.At(lastHeard(d, res.State)), LastHandshakeAt: rest.At(d.LastHandshake), ProductID: int(d.ProductID),
	}
}

func lastHeard(d *device.Device, s device.State) time.Time {
	if s.LastSeen.After(d.LastHeard) {
		return s.LastSeen
	}
	return d.LastHeard
}

// nameOf is how an error calls a device.
func nameOf(d *device.Device) string {
	if d.Name != "" {
		return d.Name
	}
	return d.ID.String()
}

// host takes the port off an address.
func host(address string) string {
	if a, err := netip.ParseAddrPort(address); err == nil {
		return a.Addr().Unmap().String()
	}
	return address
}

// cellular tells the platforms with a mobile modem: Electron, Boron,
// B-SoM, B5-SoM, Tracker, M-SoM.
func cellular(platform uint16) bool {
	switch platform {
	case 10, 13, 23, 25, 26, 35:
		return true
	}
	return false
}
