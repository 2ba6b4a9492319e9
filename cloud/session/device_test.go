package session_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/sealed"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// fake is the device's end of a session: the same keys, the other way round,
// and the rules by which Device OS answers.
type fake struct {
	id     device.ID
	udp    bool
	secure dtls.Session
	stream sealed.Channel
	addr   netip.AddrPort

	ids      coap.MessageIDs
	tokens   byte
	deaf     bool                 // nothing reaches it
	lazy     bool                 // it acknowledges nothing
	known    map[uint16]time.Time // confirmable messages received, as Device OS remembers them for 45 s
	requests []coap.Message       // of the cloud's, in their order
	last     []byte               // what it sent last
}

var (
	deviceID = device.ID{0xe0, 0x0f, 0xce, 0x68, 0, 0, 0, 0, 0, 0, 0, 1}
	home     = netip.MustParseAddrPort("192.0.2.7:40000")
	here     = netip.MustParseAddr("198.51.100.1")
	begin    = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

// pair gives the two ends of a connection: what the session starts from, and
// the device.
func pair(udp, cid bool) (server dtls.Session, stream sealed.Channel, d *fake) {
	d = &fake{id: deviceID, udp: udp, addr: home, known: map[uint16]time.Time{}, tokens: 0x40}
	keys := dtls.Keys{ClientKey: [16]byte{1}, ServerKey: [16]byte{2}, ClientIV: [4]byte{3}, ServerIV: [4]byte{4}}
	server = dtls.Session{Keys: keys, Server: true, WriteEpoch: 1, ReadEpoch: 1, WriteSeq: 1}
	if cid {
		server.CID = dtls.CID{Kind: dtls.DraftCID, Bytes: [8]byte{0xc1, 0xd0, 0, 0, 0, 0, 0, 1}}
	}
	d.secure = server
	d.secure.Server = false
	export := append([]byte{1}, make([]byte, 48)...)
	if err := stream.UnmarshalBinary(export); err != nil {
		panic(err)
	}
	d.stream = stream
	return server, stream, d
}

// seal gives the bytes that the device sends for a message.
func (d *fake) seal(t failer, message []byte) []byte {
	t.Helper()
	var out []byte
	var err error
	if d.udp {
		out, err = d.secure.Seal(nil, dtls.ApplicationData, message)
	} else {
		out, err = d.stream.Seal(nil, message)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// open gives what a datagram or frame of the cloud's holds.
func (d *fake) open(data []byte) (dtls.ContentType, []byte, error) {
	if !d.udp {
		plain, err := d.stream.Open(nil, data[2:])
		return dtls.ApplicationData, plain, err
	}
	r, _, err := dtls.ParseRecord(data)
	if err != nil {
		return 0, nil, err
	}
	return d.secure.Open(nil, r)
}

func (d *fake) confirmable() coap.Type {
	if d.udp {
		return coap.Confirmable
	}
	return coap.NonConfirmable
}

func (d *fake) id16(now time.Time) uint16 {
	id, err := d.ids.Next(now)
	if err != nil {
		panic(err)
	}
	return id
}

func (d *fake) token() byte {
	d.tokens++
	return d.tokens
}

// hellos are the introductions of several generations of devices.
var hellos = map[string]spark.Hello{
	"6.2.0": {ProductID: 3, ProductVersion: 1, Flags: 0x36, PlatformID: 12, HasDeviceID: true, DeviceID: deviceID, SystemVersion: 6200, MaxMessage: 1152, ChunkSize: 512, Size: 32},
	"2.3.1": {ProductID: 3, ProductVersion: 1, Flags: 0x36, PlatformID: 12, HasDeviceID: true, DeviceID: deviceID, Size: 22},
	"1.5.2": {ProductID: 3, ProductVersion: 1, Flags: 0x06, PlatformID: 12, HasDeviceID: true, DeviceID: deviceID, Size: 22},
	"0.7.0": {ProductID: 3, ProductVersion: 1, PlatformID: 6, Size: 8},
	"boron": {ProductID: 3, ProductVersion: 1, Flags: 0x36, PlatformID: 13, HasDeviceID: true, DeviceID: deviceID, SystemVersion: 6200, MaxMessage: 1152, ChunkSize: 512, Size: 32},
	"core":  {ProductID: 3, ProductVersion: 1, Flags: 0x36, PlatformID: 6, Size: 8},
	"other": {ProductID: 3, ProductVersion: 1, Flags: 0x36, PlatformID: 12, HasDeviceID: true, DeviceID: device.ID{9}, SystemVersion: 6200, Size: 32},
	"mute":  {ProductID: 3, ProductVersion: 1, Flags: 0x36, PlatformID: 12, Size: 8},
}

// application is what the fake device offers.
var application = spark.Describe{
	HasApplication: true,
	Functions:      []string{"echo", "slow"},
	Variables:      []spark.Variable{{Name: "vint", Type: spark.TypeInt}, {Name: "vtext", Type: spark.TypeString}},
}

// recording gives the CoAP messages that a real device sent.
func recording(t failer, name string) [][]byte {
	t.Helper()
	f, err := os.Open("../../wire/testdata/device/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out [][]byte
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line struct{ Ch, Dir, Bytes string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Ch != "coap" || line.Dir != "device" {
			continue
		}
		b, err := hex.DecodeString(line.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	if len(out) < 12 {
		t.Fatalf("%s: only %d messages", name, len(out))
	}
	return out
}
