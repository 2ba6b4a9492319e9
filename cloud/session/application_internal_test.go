package session

import (
	"testing"

	"github.com/cyan-cloud/cyan/cloud/session/offer"
	"github.com/cyan-cloud/cyan/internal/intern"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// TestShare: sessions whose devices offer the same have it once, and one that has
// said nothing goes on having said nothing.
func TestShare(t *testing.T) {
	t.Parallel()
	var texts intern.Table
	offer := func(name string) *Session {
		app := string(offer.New(&spark.Describe{Functions: []string{name}}))
		s := &Session{app: &app}
		s.Share(&texts)
		return s
	}
	one, same, other := offer("echo"), offer("echo"), offer("set")
	if one.app != same.app || one.app == other.app || !other.application().HasFunction("set") {
		t.Errorf("%p, %p and %p", one.app, same.app, other.app)
	}
	silent := new(Session)
	silent.Share(&texts)
	if silent.knowsApplication() || texts.Len() != 2 {
		t.Errorf("%v, %d texts", silent.knowsApplication(), texts.Len())
	}
}
