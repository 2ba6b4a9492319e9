package canary

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"sync"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
)

// Identity is who a virtual device is.
type Identity struct {
	ID              sim.ID
	Transport       sim.Transport
	Private, Public []byte // keys, DER
}

// Nursery is where canary devices have their ids and keys from: a secret in a
// folder. The same secret gives the same devices, so that a watchtower that
// starts again needs nothing of the cloud. It is safe for concurrent use.
type Nursery struct {
	dir    string
	secret []byte

	mu    sync.Mutex // guards what follows
	known map[string]Identity
}

const secretSize = 32

// OpenNursery reads the secret of a folder, and makes it if there is none.
func OpenNursery(dir string) (*Nursery, error) {
	path := filepath.Join(dir, "secret")
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret = make([]byte, secretSize)
		_, _ = rand.Read(secret) // never fails
		if err = os.MkdirAll(dir, 0o700); err == nil {
			err = os.WriteFile(path, secret, 0o600)
		}
	}
	if err == nil && len(secret) != secretSize {
		err = fmt.Errorf("%s does not hold the secret of canaries", path)
	}
	if err != nil {
		return nil, err
	}
	return &Nursery{dir: dir, secret: secret, known: map[string]Identity{}}, nil
}

// Device gives a device by what it is for and its number.
func (n *Nursery) Device(use string, t sim.Transport, number int) (Identity, error) {
	name := fmt.Sprintf("%s %s %d", use, t, number)
	n.mu.Lock()
	defer n.mu.Unlock()
	if who, ok := n.known[name]; ok {
		return who, nil
	}
	who := Identity{Transport: t}
	copy(who.ID[:], n.derive("id "+name))
	var err error
	who.Private, who.Public, err = sim.GenerateKey(t, mathrand.NewChaCha8([32]byte(n.derive("key "+name))))
	if err == nil {
		n.known[name] = who
	}
	return who, err
}

func (n *Nursery) derive(what string) []byte {
	h := hmac.New(sha256.New, n.secret)
	h.Write([]byte(what))
	return h.Sum(nil)
}

// Register makes the cloud know a device, as everybody does it, unless that has
// been done: a mark in the folder tells.
func (n *Nursery) Register(ctx context.Context, api *client.Client, who *Identity, name string) error {
	mark := filepath.Join(n.dir, who.ID.String())
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	if _, err := api.Provision(ctx, who.ID.String(), who.Public); err != nil {
		return err
	}
	// Its name is for people who wonder what it is; without one it works, too.
	_, _ = api.Rename(ctx, who.ID.String(), name)
	return os.WriteFile(mark, nil, 0o600)
}
