package desk

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// KeyFile is the name of the key's file in the watchtower's folder.
const KeyFile = "desk.key"

// Key gives the key of the desk, and makes one where there is none.
func Key(data string) (string, error) {
	name := filepath.Join(data, KeyFile)
	text, err := os.ReadFile(name)
	if err == nil {
		if key := strings.TrimSpace(string(text)); len(key) >= 32 {
			return key, nil
		}
		return "", errors.New("desk: " + name + " holds no key")
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", err
	}
	var random [24]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	key := hex.EncodeToString(random[:])
	return key, os.WriteFile(name, []byte(key+"\n"), 0o600)
}

// keyAge is when the key was made: when this watchtower began.
func keyAge(data string) time.Time {
	if info, err := os.Stat(filepath.Join(data, KeyFile)); err == nil {
		return info.ModTime().UTC()
	}
	return time.Now().UTC()
}
