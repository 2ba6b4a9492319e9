package canary

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/sealed"
)

// recorded is the beginning of what two real devices and a server said to each
// other, as wire/testdata has it, with the keys that open it.
//
//go:embed recorded
var recorded embed.FS

// ErrWire says that this program cannot open what real devices said: whatever
// its canaries would tell, it would be about themselves.
var ErrWire = errors.New("canary: what real devices said does not open")

// Prove opens the recorded bytes of real devices. Canaries do not run before
// that has been done.
func Prove() error {
	for name, prove := range map[string]func([]said) error{"recorded/udp.jsonl": proveUDP, "recorded/tcp.jsonl": proveTCP} {
		lines, err := readSaid(name)
		if err != nil {
			return err
		}
		if err := prove(lines); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrWire, name, err)
		}
	}
	return nil
}

func readSaid(name string) (lines []said, err error) {
	text, err := recorded.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for l := range bytes.Lines(text) {
		var s said
		if err := json.Unmarshal(l, &s); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		lines = append(lines, s)
	}
	return lines, nil
}

// said is a line of a recording.
type said struct {
	Channel string `json:"ch"`
	Dir     string `json:"dir"`
	Bytes   octets `json:"bytes"`

	// Of the line whose channel is "secret".
	ClientKey   octets `json:"client_key"`
	ServerKey   octets `json:"server_key"`
	ClientIV    octets `json:"client_iv"`
	ServerIV    octets `json:"server_iv"`
	CID         octets `json:"cid"`
	Credentials octets `json:"credentials"`
}

type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

// of gives the bytes of a channel and a direction, in order.
func of(lines []said, channel, dir string) (list [][]byte) {
	for _, l := range lines {
		if l.Channel == channel && l.Dir == dir {
			list = append(list, l.Bytes)
		}
	}
	return list
}

func secretOf(lines []said) (s said) {
	for _, l := range lines {
		if l.Channel == "secret" {
			s = l
		}
	}
	return s
}

// proveUDP opens the datagrams of both sides with the session's keys.
func proveUDP(lines []said) error {
	s := secretOf(lines)
	if len(s.ClientKey) != 16 || len(s.ServerKey) != 16 || len(s.ClientIV) != 4 || len(s.ServerIV) != 4 || len(s.CID) != 8 {
		return errors.New("the recording has no keys")
	}
	keys := dtls.Keys{
		ClientKey: [16]byte(s.ClientKey), ServerKey: [16]byte(s.ServerKey), ClientIV: [4]byte(s.ClientIV), ServerIV: [4]byte(s.ServerIV),
	}
	for _, dir := range []string{"device", "server"} {
		session := dtls.Session{
			Keys: keys, Server: dir == "device", ReadEpoch: 1, WriteEpoch: 1,
			CID: dtls.CID{Kind: dtls.DraftCID, Bytes: [8]byte(s.CID)},
		}
		var opened [][]byte
		for _, datagram := range of(lines, "udp", dir) {
			record, _, err := dtls.ParseRecord(datagram)
			if err != nil {
				return err
			}
			kind, plaintext, err := session.Open(nil, record)
			switch {
			case errors.Is(err, dtls.ErrEpoch), errors.Is(err, dtls.ErrHandshakeRecord), errors.Is(err, dtls.ErrCID):
				continue // of the handshake
			case err != nil:
				return err
			case kind == dtls.ApplicationData:
				opened = append(opened, plaintext)
			}
		}
		if err := compare(opened, of(lines, "coap", dir)); err != nil {
			return err
		}
	}
	return nil
}

// proveTCP follows the handshake as a server and opens the frames.
func proveTCP(lines []said) error {
	der, err := recorded.ReadFile("recorded/server-rsa.der")
	if err != nil {
		return err
	}
	key, err := serverRSA(der)
	if err != nil {
		return err
	}
	device, server := bytes.Join(of(lines, "tcp", "device"), nil), bytes.Join(of(lines, "tcp", "server"), nil)
	credentials := secretOf(lines).Credentials
	if len(device) < sealed.BlobSize || len(server) < sealed.NonceSize || len(credentials) != len(sealed.Credentials{}) {
		return errors.New("the recording is too short")
	}
	h, err := sealed.NewServerHandshake(key, [sealed.NonceSize]byte(server))
	if err != nil {
		return err
	}
	claim, err := h.Receive([sealed.BlobSize]byte(device))
	if err != nil {
		return err
	}
	public, err := claim.DeviceKey.Parse()
	if err != nil {
		return err
	}
	_, channel, err := h.Accept(public, sealed.Credentials(credentials), [32]byte{1})
	if err != nil {
		return err
	}
	var opened [][]byte
	var frames sealed.Splitter
	for rest := device[sealed.BlobSize:]; ; {
		frame, next, err := frames.Next(rest)
		if err != nil {
			return err
		}
		if frame == nil {
			return compare(opened, of(lines, "coap", "device"))
		}
		rest = next
		message, err := channel.Open(nil, frame)
		if err != nil {
			return err
		}
		opened = append(opened, message)
	}
}

func serverRSA(der []byte) (*rsa.PrivateKey, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	return key, nil
}

// compare checks that what was opened is what was said, as far as the shorter
// of the two goes.
func compare(opened, want [][]byte) error {
	n := min(len(opened), len(want))
	if n < 3 {
		return fmt.Errorf("only %d messages opened", n)
	}
	for i := range n {
		if !bytes.Equal(opened[i], want[i]) {
			return fmt.Errorf("message %d is not what was said", i+1)
		}
	}
	return nil
}
