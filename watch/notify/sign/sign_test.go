package sign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/watch/notify/sign"
)

// TestSignature is the example that the libraries of Standard Webhooks are
// tested with.
func TestSignature(t *testing.T) {
	var s sign.Keys
	if err := s.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"); err != nil {
		t.Fatal(err)
	}
	got := s.Header("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	for _, bad := range []string{"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_%", "whsk_c2hvcnQ=", "whsk_" + strings.Repeat("A", 86) + "=="} {
		if err := s.Add(bad); err == nil {
			t.Errorf("%q is a secret", bad)
		}
	}
}
