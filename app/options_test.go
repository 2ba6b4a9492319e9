package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProxies(t *testing.T) {
	got, err := proxies(" 127.0.0.1, 10.1.2.3/8,::1 ,2001:db8::1/32,")
	want := []string{"127.0.0.1/32", "10.0.0.0/8", "::1/128", "2001:db8::/32"}
	var texts []string
	for _, p := range got {
		texts = append(texts, p.String())
	}
	if diff := cmp.Diff(want, texts); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if none, err := proxies(""); err != nil || none != nil {
		t.Errorf("%v, %v", none, err)
	}
	for _, bad := range []string{"proxy", "10.0.0.0/33", "10.0.0.1:80", "127.0.0.1,x"} {
		if got, err := proxies(bad); err == nil {
			t.Errorf("%q reads as %v", bad, got)
		}
	}
}
