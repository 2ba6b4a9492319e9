package harness

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// Watchtower is a watchtower in this process, and its page.
type Watchtower struct {
	URL string
	End func() // ends it, once; the test does at the latest
}

// Watch runs a watchtower until the test ends. What o leaves empty is filled in:
// a folder, any port, the cloud, its doors and keys, and its administrator's
// token for the canaries. settings, unless they are empty, are its settings file.
func (c *Cloud) Watch(o app.WatchOptions, settings string) *Watchtower {
	c.t.Helper()
	if o.Data == "" {
		o.Data = c.t.TempDir()
	}
	o.Listen, o.API = cmp.Or(o.Listen, "127.0.0.1:0"), cmp.Or(o.API, c.URL())
	o.UDP, o.TCP = cmp.Or(o.UDP, c.Options.ListenUDP), cmp.Or(o.TCP, c.Options.ListenTCP)
	o.KeyUDP, o.KeyTCP = cmp.Or(o.KeyUDP, c.KeyFile(app.FilePubEC)), cmp.Or(o.KeyTCP, c.KeyFile(app.FilePubRSA))
	write := func(name, text string) string {
		path := filepath.Join(o.Data, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
		return path
	}
	if o.TokenFile == "" {
		o.TokenFile = write("token", c.Token)
	}
	if settings != "" {
		o.Settings = write("settings.yaml", settings)
	}
	w, err := app.NewWatch(o)
	if err != nil {
		c.t.Fatal(err)
	}
	return &Watchtower{URL: "http://" + w.Addr(), End: Running(c.t, "the watchtower", w.Run)}
}

// Running has something run until end is called, or until the test ends. That it
// ends with an error fails the test.
func Running(t testing.TB, what string, run func(context.Context) error) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }() // until end
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(what+":", err)
		}
	})
	t.Cleanup(end)
	return end
}

// Get reads a page of JSON; false: there is none.
func (w *Watchtower) Get(path string, into any) bool {
	resp, err := http.Get(w.URL + path)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into) == nil
}

// Evidence is what the page knows, in the words of programs; false: it does not
// answer.
func (w *Watchtower) Evidence() (e status.Evidence, ok bool) {
	ok = w.Get("/evidence.json", &e)
	return e, ok
}

// Connects tells whether new connections are measured, over both transports, and
// go well.
func (w *Watchtower) Connects() bool {
	e, _ := w.Evidence()
	well := 0
	for _, c := range e.Components {
		if (c.Capability == signal.ConnectUDP || c.Capability == signal.ConnectTCP) && c.OK >= 2 {
			well++
		}
	}
	return well == 2
}
