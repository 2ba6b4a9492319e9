package web

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
)

// A token is fresh for a minute, or until it expires.
func TestIssuedFor(t *testing.T) {
	now := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	var i Issued
	if i.good(account.TokenHash{1}, now) {
		t.Error("a token that was never issued must be good")
	}
	i.Add(&account.Token{Hash: account.TokenHash{1}, Created: now})
	i.Add(&account.Token{Hash: account.TokenHash{2}, Created: now, Expires: now.Add(10 * time.Second)})
	for _, c := range []struct {
		hash  byte
		after time.Duration
		want  bool
	}{{1, 0, true}, {1, 59 * time.Second, true}, {1, time.Minute, false}, {2, 9 * time.Second, true}, {2, 10 * time.Second, false}} {
		if got := i.good(account.TokenHash{c.hash}, now.Add(c.after)); got != c.want {
			t.Errorf("token %d after %v: good %v", c.hash, c.after, got)
		}
	}
}

// What is remembered has a bound; the old make room.
func TestIssuedIsBounded(t *testing.T) {
	now := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	var i Issued
	add := func(n uint32, at time.Time) (hash account.TokenHash) {
		binary.BigEndian.PutUint32(hash[:], n)
		i.Add(&account.Token{Hash: hash, Created: at})
		return hash
	}
	for n := range uint32(maxIssued) {
		add(n, now)
	}
	if hash := add(maxIssued, now); i.good(hash, now) || len(i.tokens) != maxIssued {
		t.Errorf("%d tokens are remembered", len(i.tokens))
	}
	later := now.Add(freshFor)
	if hash := add(maxIssued, later); !i.good(hash, later) || len(i.tokens) != 1 {
		t.Errorf("%d tokens are remembered later", len(i.tokens))
	}
}
