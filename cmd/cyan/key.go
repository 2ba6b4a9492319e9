package main

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
)

func (c *cli) keyVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Server keys, images for a device's flash, device keys"}
	cmd.AddCommand(c.keyShowVerb(), c.keyBlobVerb(), c.keyDeviceVerb())
	return family(cmd)
}

// parseTransport reads the word that --transport takes.
func parseTransport(word string) (sim.Transport, error) {
	for _, t := range []sim.Transport{sim.UDP, sim.TCP} {
		if word == t.String() {
			return t, nil
		}
	}
	return 0, misuse(fmt.Sprintf("there is no transport %q", word), "--transport udp (Argon, Boron, P2 and newer) or tcp (Core, Photon, P1)")
}

// serverKey is one of a cloud's public keys, as its data folder has it.
type serverKey struct {
	Transport   string `json:"transport"`
	Algorithm   string `json:"algorithm"`
	Fingerprint string `json:"fingerprint"` // SHA-256 of the DER, in hex
	File        string `json:"file"`        // public key, SPKI in DER

	der []byte
}

// readServerKey reads the public key for a transport from a data folder.
func readServerKey(data string, t sim.Transport) (serverKey, error) {
	k := serverKey{Transport: t.String(), Algorithm: "P-256", File: filepath.Join(data, "keys", app.FilePubEC)}
	if t == sim.TCP {
		k.Algorithm, k.File = "RSA-2048", filepath.Join(data, "keys", app.FilePubRSA)
	}
	var err error
	k.der, err = os.ReadFile(k.File)
	if errors.Is(err, fs.ErrNotExist) {
		return k, fail(exitNotFound, "no server key at "+k.File, "--data names the cloud's data folder; the first cyan serve makes the keys")
	}
	k.Fingerprint = fingerprint(k.der)
	return k, err
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

func (c *cli) keyShowVerb() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "show", Short: "The cloud's public keys and their fingerprints", Args: takes(0, 0, ""),
		Long: `Shows the public keys that devices know this cloud by, and the files they are
in: DER, as "particle keys server" takes them.`,
		Example: "  cyan key show\n  cyan key show --data /var/lib/cyan --json",
		RunE: func(*cobra.Command, []string) error {
			for _, t := range []sim.Transport{sim.UDP, sim.TCP} {
				k, err := readServerKey(data, t)
				if err != nil {
					return err
				}
				if c.json {
					if err := c.emit(k); err != nil {
						return err
					}
					continue
				}
				c.print("%s  %-8s  sha256:%s", k.Transport, k.Algorithm, k.Fingerprint)
				c.print("     %s", k.File)
			}
			c.say("the private halves are beside them: back up %s", filepath.Join(data, "keys"))
			return nil
		},
	}
	dataFlag(cmd, &data)
	return cmd
}

// dataFlag adds the flag of the data folder to a verb that only reads it.
func dataFlag(cmd *cobra.Command, data *string) {
	cmd.Flags().StringVar(data, "data", "cyan-data", "the cloud's data `folder`")
}

// The image that a device's flash holds: a public key, then where the server
// is, in a record of fixed size.
const (
	keyAreaEC     = 192 // bytes for the key of devices on UDP
	keyAreaRSA    = 384 // and on TCP
	addressArea   = 128
	addressIPv4   = 0
	addressDomain = 1
	longestHost   = 63 // newer firmware wants room for a final NUL
	portAt        = 66 // in the record: type, length, 64 bytes of address, port
	emptyFlash    = 0xff
)

// flashImage is what "particle keys server" writes to a device.
func flashImage(key []byte, t sim.Transport, host string, port uint16) ([]byte, error) {
	area := keyAreaEC
	if t == sim.TCP {
		area = keyAreaRSA
	}
	if len(key) > area {
		return nil, fail(exitFailed, fmt.Sprintf("the server key has %d bytes, a device's flash has room for %d", len(key), area))
	}
	image := make([]byte, area+addressArea)
	for i := range image {
		image[i] = emptyFlash
	}
	copy(image, key)
	record := image[area:]
	if ip, err := netip.ParseAddr(host); err == nil {
		if !ip.Is4() {
			return nil, misuse("a device's flash holds an IPv4 address or a name, not "+host, "give --host a name that leads to that address")
		}
		a := ip.As4()
		record[0], record[1] = addressIPv4, byte(len(a))
		copy(record[2:], a[:])
	} else {
		if host == "" || len(host) > longestHost || strings.ContainsAny(host, " :/") {
			return nil, misuse(fmt.Sprintf("%q is neither an IPv4 address nor a name of at most %d characters", host, longestHost), "--host is how devices reach this machine, without port")
		}
		record[0], record[1] = addressDomain, byte(len(host))
		copy(record[2:], host)
	}
	binary.BigEndian.PutUint16(record[portAt:], port)
	return image, nil
}

func (c *cli) keyBlobVerb() *cobra.Command {
	var data, transport, host, out string
	var port uint16
	cmd := &cobra.Command{
		Use: "blob", Short: "Server key and address as a device's flash holds them", Args: takes(0, 0, ""),
		Long: `Writes the image that a device's flash holds of its server: public key, address
and port. "particle keys server" makes the same from its arguments; the image is
for flashing it with dfu-util or a debugger, and for virtual devices of the
firmware's own. UDP devices go to port 5684 whatever port is written.`,
		Example: "  cyan key blob --transport udp --host cloud.example.com -o server.bin\n" +
			"  cyan key blob --transport tcp --host 192.0.2.10 --port 5683 -o server.bin",
		RunE: func(*cobra.Command, []string) error {
			t, err := parseTransport(transport)
			if err != nil {
				return err
			}
			if out == "" {
				return misuse("cyan key blob needs -o FILE")
			}
			if port == 0 {
				port = defaultPort(t)
			}
			key, err := readServerKey(data, t)
			if err != nil {
				return err
			}
			image, err := flashImage(key.der, t, host, port)
			if err != nil {
				return err
			}
			if err := os.WriteFile(out, image, 0o644); err != nil {
				return err
			}
			if c.json {
				return c.emit(map[string]any{"file": out, "bytes": len(image), "host": host, "port": port, "transport": transport})
			}
			c.print("%s: %d bytes, for devices on %s, to %s port %d", out, len(image), transport, host, port)
			return nil
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().StringVar(&transport, "transport", "udp", "`udp or tcp`")
	cmd.Flags().StringVar(&host, "host", "", "IPv4 address or `name` that the device goes to")
	cmd.Flags().Uint16Var(&port, "port", 0, "port that the device goes to (default 5684 on udp, 5683 on tcp)")
	cmd.Flags().StringVarP(&out, "out", "o", "", "`file` to write")
	return cmd
}

// defaultPort is where devices go by themselves.
func defaultPort(t sim.Transport) uint16 {
	if t == sim.TCP {
		return 5683
	}
	return 5684
}

func (c *cli) keyDeviceVerb() *cobra.Command {
	var transport, out string
	cmd := &cobra.Command{
		Use: "device", Short: "Make a device's key pair", Args: takes(0, 0, ""),
		Long: `Makes a key pair for a device: the private half as DER, as the device's flash
takes it, readable by you alone, and the public half as PEM beside it.`,
		Example: `  cyan key device --transport udp -o board.der     # and board.pub.pem
  cyan device provision 0123456789abcdef01234567 --key board.pub.pem`,
		RunE: func(*cobra.Command, []string) error {
			t, err := parseTransport(transport)
			if err != nil {
				return err
			}
			if out == "" {
				return misuse("cyan key device needs -o FILE")
			}
			public, err := newDeviceKey(t, out)
			if err != nil {
				return err
			}
			if c.json {
				return c.emit(map[string]any{
					"transport": transport, "private": out, "public": publicFile(out), "fingerprint": fingerprint(public),
				})
			}
			c.print("%s  private: keep it secret, it belongs into the device", out)
			c.print("%s  public:  cyan device provision ID --key %[1]s", publicFile(out))
			return nil
		},
	}
	cmd.Flags().StringVar(&transport, "transport", "udp", "`udp or tcp`")
	cmd.Flags().StringVarP(&out, "out", "o", "", "`file` of the private half")
	return cmd
}

// publicFile is the file of the public half beside a private one.
func publicFile(private string) string {
	return strings.TrimSuffix(private, filepath.Ext(private)) + ".pub.pem"
}

// newDeviceKey makes a device's key pair and writes both halves, over no file
// that is there. It gives the public one.
func newDeviceKey(t sim.Transport, path string) ([]byte, error) {
	private, public, err := sim.GenerateKey(t, rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := writeNew(path, private, 0o600); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	return public, writeNew(publicFile(path), text, 0o644)
}

// writeNew writes a file that must not be there yet.
func writeNew(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fail(exitConflict, path+" is there already, and a key is never written over", "take another name, or move it away")
	} else if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// readDER reads a file in DER or PEM, as DER.
func readDER(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	return derOf(data), err
}

// derOf takes the DER out of PEM; what is no PEM it leaves as it is.
func derOf(data []byte) []byte {
	if block, _ := pem.Decode(data); block != nil {
		return block.Bytes
	}
	return data
}

// publicHalf reads a public key, or makes it from a private one: what leaves
// this machine is public either way. Keys read out of a flash have padding
// behind them, which is dropped.
func publicHalf(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return publicOf(data, path)
}

// publicOf is publicHalf of what was read already, from where name says.
func publicOf(data []byte, name string) ([]byte, error) {
	der := trimmed(derOf(data))
	if _, err := x509.ParsePKIXPublicKey(der); err == nil {
		return der, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return x509.MarshalPKIXPublicKey(&key.PublicKey)
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return x509.MarshalPKIXPublicKey(&key.PublicKey)
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if k, ok := key.(crypto.Signer); ok {
			return x509.MarshalPKIXPublicKey(k.Public())
		}
	}
	return nil, fail(exitInvalid, name+" holds no key that a device could have", "a public or private key of P-256 or RSA, in PEM or DER, such as \"particle keys save\" writes")
}

// trimmed cuts a DER value off where it says that it ends.
func trimmed(der []byte) []byte {
	if len(der) < 4 || der[0] != 0x30 {
		return der
	}
	size := 2 + int(der[1])
	switch der[1] {
	case 0x81:
		size = 3 + int(der[2])
	case 0x82:
		size = 4 + int(der[2])<<8 + int(der[3])
	}
	return der[:min(size, len(der))]
}
