package dtls

import (
	"crypto/sha256"

	"github.com/cyan-cloud/cyan/wire/dtls/message"
)

// What tests look at beside the package's face.

// Secrets are what a handshake derives.
type Secrets struct {
	Master         [48]byte
	Keys           Keys
	ClientFinished [12]byte
	ServerFinished [12]byte
}

// Derive computes a handshake's secrets. The transcripts are those before each Finished.
func Derive(secret []byte, client, server [32]byte, beforeClient, beforeServer []byte) Secrets {
	m := newMaster(secret, &client, &server)
	c, s := sha256.New(), sha256.New()
	c.Write(beforeClient)
	s.Write(beforeServer)
	return Secrets{
		Master:         m,
		Keys:           m.keys(&client, &server),
		ClientFinished: m.verifyData(clientFinished, c),
		ServerFinished: m.verifyData(serverFinished, s),
	}
}

// PRF is the pseudo-random function of TLS 1.2.
func PRF(out, secret []byte, label string, seed1, seed2 []byte) {
	prf(out, secret, label, seed1, seed2)
}

// OpenAny opens a record of any type and changes nothing.
func (s *Session) OpenAny(r Record) (ContentType, []byte, error) { return s.open(nil, nil, r) }

// CCMSeal is the bare cipher.
func CCMSeal(key [16]byte, nonce [12]byte, aad, plaintext []byte) ([]byte, error) {
	text := append([]byte(nil), plaintext...)
	block, err := (*Schedules)(nil).of(&key)
	if err != nil {
		return nil, err
	}
	c := newCCM(block, (*[4]byte)(nonce[:4]), be64(nonce[4:]), make([]byte, 16))
	tag := c.seal(text, aad)
	return append(text, tag[:]...), nil
}

func be64(b []byte) (n uint64) {
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n
}

// Reassembly is the machine that puts messages together.
type Reassembly struct{ a reassembly }

// NewReassembly makes one.
func NewReassembly(next uint16, limit int) *Reassembly {
	return &Reassembly{reassembly{next: next, limit: limit}}
}

// Add and Pop are its two sides.
func (r *Reassembly) Add(f message.Fragment) error       { return r.a.add(f) }
func (r *Reassembly) Pop() (f message.Fragment, ok bool) { return r.a.pop() }

// Held is how many bytes it holds.
func (r *Reassembly) Held() (n int) {
	for _, p := range r.a.slots {
		n += len(p.body) + 8*len(p.seen)
	}
	return n
}

// HelloOf is a hello as Greet would return it, whatever its cookie.
func HelloOf(datagram []byte) (*ClientHello, error) {
	r, f, m, err := parseHello(datagram)
	if err != nil {
		return nil, err
	}
	return &ClientHello{ClientHello: m, Seq: f.Seq, RecordSeq: r.Seq, raw: f.Append(nil)}, nil
}

// Bounds that tests hold the package to.
const (
	FinishedNumbers = finishedNumbers
	MaxRepeats      = maxRepeats
	MaxHelloSeq     = maxHelloSeq
	ExportSize      = exportSize
)
