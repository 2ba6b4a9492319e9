package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/api"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/bus/bustest"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// benchAPI is an API on a real store and bus, whose devices answer at once.
func benchAPI(b *testing.B, devices int) (*api.API, *bus.Bus) {
	b.Helper()
	s, err := store.Open(b.Context(), store.Config{Path: b.TempDir() + "/cyan.db"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if err := s.CreateUser(b.Context(), account.User{ID: alice, Username: "alice@example.com", Created: noon}); err != nil {
		b.Fatal(err)
	}
	if err := s.AddToken(b.Context(), account.Token{Hash: account.HashToken(token), User: alice, Created: noon}); err != nil {
		b.Fatal(err)
	}
	nodes, err := bus.Open(b.Context(), bus.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { nodes.Close() })
	g := new(bustest.Gateway)
	g.Answer((*world)(nil).answer)
	if _, err := nodes.Serve(g); err != nil {
		b.Fatal(err)
	}
	for i := range devices {
		id := device.ID{1, 10: byte(i >> 8), 11: byte(i)}
		key := device.Key{Algorithm: device.ECC, SPKI: append([]byte("key of "), id[:]...), Added: noon}
		if err := s.Provision(b.Context(), id, key, alice); err != nil {
			b.Fatal(err)
		}
		nodes.Holding(id)
		g.SetState(id, device.State{Word: device.Online, Since: noon})
	}
	a, err := api.New(api.Config{
		Accounts: s, Tokens: s, Devices: s, Owners: s, Codes: s, Keys: s,
		Profiles: s, Factors: s, Tickets: s, Services: s, Audit: s, Transfers: s, Vitals: s, Bus: nodes, Feed: nodes,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(a.Close)
	return a, nodes
}

func benchRequest(b *testing.B, devices int, method, path string) {
	a, _ := benchAPI(b, devices)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	benchRequest(b, 1, "POST", "/v1/devices/010000000000000000000000/reset")
}

func BenchmarkList1000(b *testing.B) { benchRequest(b, 1000, "GET", "/v1/devices") }
