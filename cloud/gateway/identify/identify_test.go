package identify_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/gateway/identify"
	"github.com/cyan-cloud/cyan/cloud/gateway/lane"
	"github.com/cyan-cloud/cyan/cloud/store"
)

var (
	now  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	mine = device.ID{1}
	key  = []byte("a key")
)

// open makes a store with one device that has a key.
func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.TrustFirstUse(t.Context(), mine, device.Key{Algorithm: device.ECC, SPKI: key, Added: now}); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestClaim asks a store about devices that say who they are.
func TestClaim(t *testing.T) {
	s := open(t)
	other := device.ID{2}
	for _, c := range []struct {
		name  string
		q     lane.Lookup
		want  lane.Found
		first bool
	}{
		{"its own key", lane.Lookup{Claim: mine, SPKI: key}, lane.Found{Device: mine, Known: true}, false},
		{"another key", lane.Lookup{Claim: mine, SPKI: []byte("another"), Trust: true}, lane.Found{Other: true}, false},
		{"a stranger", lane.Lookup{Claim: other, SPKI: []byte("new")}, lane.Found{}, false},
		{"a stranger with a known key", lane.Lookup{Claim: other, SPKI: key, Trust: true}, lane.Found{Other: true}, false},
		{"a stranger who may come in", lane.Lookup{Algorithm: device.ECC, Claim: other, SPKI: []byte("new"), Trust: true}, lane.Found{Device: other, Known: true}, true},
		{"and comes again", lane.Lookup{Claim: other, SPKI: []byte("new")}, lane.Found{Device: other, Known: true}, false},
	} {
		got, first, err := identify.Claim(t.Context(), s, &c.q, now)
		if diff := cmp.Diff(c.want, got); diff != "" || first != c.first || err != nil {
			t.Errorf("%s: first %v, %v (-want +got):\n%s", c.name, first, err, diff)
		}
	}
	if _, _, err := identify.Claim(t.Context(), down{}, &lane.Lookup{Claim: mine, SPKI: key}, now); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a store that does not answer is said to have said: %v", err)
	}
}

// TestWhose asks a store about several keys at once.
func TestWhose(t *testing.T) {
	asked := []*lane.Lookup{{SPKI: []byte("nobody's")}, {SPKI: key}}
	got, err := identify.Whose(t.Context(), open(t), asked)
	if diff := cmp.Diff([]lane.Found{{}, {Device: mine, Known: true}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := identify.Whose(t.Context(), down{}, asked); err == nil || len(got) != len(asked) {
		t.Errorf("a store that does not answer gives %d answers, %v", len(got), err)
	}
}

// TestSound tells a store that answers from one that does not.
func TestSound(t *testing.T) {
	if !identify.Sound(t.Context(), open(t)) {
		t.Error("a sound store is said not to answer")
	}
	if identify.Sound(t.Context(), down{}) {
		t.Error("a store that does not answer is said to be sound")
	}
}

// down is a store that does not answer.
type down struct{ identify.Keys }

func (down) KeyOf(context.Context, device.ID) (device.Key, error) {
	return device.Key{}, fault.Errorf(fault.Unavailable, "no answer")
}

func (down) Holders(context.Context, []device.Fingerprint) ([]store.Holder, error) {
	return nil, fault.Errorf(fault.Unavailable, "no answer")
}
