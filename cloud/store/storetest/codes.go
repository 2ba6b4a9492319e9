package storetest

import (
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// claimCodes: a code claims one device for the one who got it, until it
// expires, and never somebody else's device.
func claimCodes(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	addUser(t, s, "bob")
	for n := uint32(1); n <= 3; n++ {
		must(t, s.TrustFirstUse(ctx(t), deviceID(n), key(n)))
	}
	must(t, s.Claim(ctx(t), deviceID(3), "bob"))
	now, code := noon(), account.HashToken("code")
	must(t, s.AddClaimCode(ctx(t), code, "ada", now, now.Add(time.Hour)))
	wantKind(t, "code for nobody", s.AddClaimCode(ctx(t), account.HashToken("x"), "nobody", now, now.Add(time.Hour)), fault.NotFound)

	_, err := s.ClaimByCode(ctx(t), deviceID(1), account.HashToken("other"), now)
	wantKind(t, "another code", err, fault.NotFound)
	_, err = s.ClaimByCode(ctx(t), deviceID(1), code, now.Add(time.Hour))
	wantKind(t, "expired code", err, fault.NotFound)
	_, err = s.ClaimByCode(ctx(t), deviceID(9), code, now)
	wantKind(t, "unknown device", err, fault.NotFound)
	_, err = s.ClaimByCode(ctx(t), deviceID(3), code, now)
	wantKind(t, "somebody else's device", err, fault.Denied)

	owner, err := s.ClaimByCode(ctx(t), deviceID(1), code, now) // the failures have not used it up
	must(t, err)
	same(t, "owner", owner, "ada")
	_, err = s.ClaimByCode(ctx(t), deviceID(2), code, now)
	wantKind(t, "code that is used up", err, fault.NotFound)
	d, err := s.Device(ctx(t), deviceID(1))
	must(t, err)
	same(t, "owner of the device", d.Owner, "ada")
	must(t, s.AddClaimCode(ctx(t), code, "ada", now, now.Add(time.Hour)))
	_, err = s.ClaimByCode(ctx(t), deviceID(1), code, now) // one's own again
	must(t, err)
}

// claimCodeBound: codes that nobody uses are bounded, and make room when they
// expire.
func claimCodeBound(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	now, expires := noon(), noon().Add(time.Hour)
	add := func(n byte, at time.Time) error {
		return s.AddClaimCode(ctx(t), account.TokenHash{n}, "ada", at, at.Add(time.Hour))
	}
	for n := range byte(100) {
		must(t, add(n, now))
	}
	wantKind(t, "one more", add(100, now), fault.Busy)
	must(t, add(100, expires))
}
