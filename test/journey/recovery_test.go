package journey

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/test/harness"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// recoveries asks how devices came back, and waits until ok says yes.
func recoveries(c *harness.Cloud, p *harness.Person, what string, ok func(rest.Recoveries) bool) (v rest.Recoveries) {
	c.Until(what, func() bool {
		v = rest.Recoveries{}
		p.Get(rest.PathRecoveries, &v)
		return len(v.Recoveries) > 0 && ok(v)
	})
	return v
}

// TestStragglers bounces a cloud with fifty devices of all generations, one of
// which is stuck: the curve of those that come back is drawn beside what their
// back-off predicts, and the one that is missing is listed by its id, with when
// it should have been back; until it is there again, in spite of an upgrade and of
// another crash.
func TestStragglers(t *testing.T) {
	t.Parallel()
	c := harness.StartProcess(t, app.Options{})
	const fleet = 50
	kinds := generations(t)
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	var devices []*harness.Device
	var configs []sim.Config
	for i := range fleet {
		cfg := kinds[names[i%len(names)]]
		cfg.ID, cfg.Key = sim.ID{}, nil
		cfg = c.Provision(cfg)
		configs = append(configs, cfg)
		devices = append(devices, c.Run(cfg, harness.Wiring{}))
	}
	for _, d := range devices {
		c.Online(d.ID)
	}
	const line = 20 // bytes of a device in the roll
	c.Until("all are on the roll", func() bool {
		info, err := os.Stat(filepath.Join(c.Options.Data, "roll"))
		return err == nil && info.Size() >= fleet*line
	})
	other := c.Admit("eve@example.com")
	stuck := slices.IndexFunc(configs, func(cfg sim.Config) bool { return cfg.Transport == sim.TCP })

	c.Kill()
	devices[stuck].Unplug()
	c.Again()
	v := recoveries(c, c.Person, "all but one are back", func(v rest.Recoveries) bool { return v.Recoveries[0].Answering == fleet-1 })
	r := v.Recoveries[0]
	if r.Kind != rest.DisconnectCrash || r.Affected != fleet || r.Owners != 1 || r.Missing != 1 || !r.Over.IsZero() || r.P50S == nil || r.P99S != nil {
		t.Errorf("%+v", r)
	}
	if !r.Up.After(r.At.Time) {
		t.Errorf("the cloud crashed at %v and served again at %v", r.At, r.Up)
	}
	last := rest.RecoveryPoint{}
	for _, p := range r.Curve {
		if p.Back < last.Back || p.Expected < last.Expected || p.AfterS <= last.AfterS || p.Expected > fleet {
			t.Errorf("the curve turns at %+v: %+v", p, r.Curve)
		}
		last = p
	}
	if last.Back != fleet-1 || last.Expected < fleet/2 {
		t.Errorf("the curve ends at %+v", last)
	}
	missing := func(v rest.Recoveries, id string) bool {
		return len(v.Stragglers) == 1 && v.Stragglers[0].Device == id && v.Stragglers[0].Recovery == r.ID && v.Stragglers[0].Transport == "tcp" &&
			v.Stragglers[0].Reason != "" && v.Stragglers[0].LastTry.IsZero() && v.Stragglers[0].Expected.After(r.Up.Time)
	}
	if !missing(v, devices[stuck].ID) {
		t.Errorf("missing: %+v", v.Stragglers)
	}

	// Whose it is not sees the numbers and not the name, and may not ask for all;
	// the administrator may.
	if v := recoveries(c, other, "somebody else asks", func(rest.Recoveries) bool { return true }); len(v.Stragglers) != 0 || v.Recoveries[0].Affected != fleet {
		t.Errorf("somebody else sees %+v", v)
	}
	other.Fails(http.StatusForbidden, http.MethodGet, rest.PathRecoveries+"?everyone=true", nil)
	c.Get(rest.PathRecoveries+"?everyone=true", &v)
	if !missing(v, devices[stuck].ID) {
		t.Errorf("the administrator sees %+v", v.Stragglers)
	}

	if _, err := c.Upgrade(""); err != nil {
		t.Fatal(err)
	}
	v = recoveries(c, c.Person, "the new process knows of it", func(v rest.Recoveries) bool { return len(v.Stragglers) > 0 })
	if len(v.Recoveries) != 1 || !missing(v, devices[stuck].ID) || v.Recoveries[0].Answering != fleet-1 {
		t.Errorf("after an upgrade: %+v", v)
	}
	c.Kill()
	c.Again()
	v = recoveries(c, c.Person, "the others are back once more", func(v rest.Recoveries) bool {
		return len(v.Recoveries) == 2 && v.Recoveries[0].Answering == fleet-1
	})
	if !missing(v, devices[stuck].ID) || v.Recoveries[0].Affected != fleet-1 || v.Recoveries[0].Over.IsZero() {
		t.Errorf("after another crash: %+v", v)
	}

	c.Run(configs[stuck], harness.Wiring{})
	v = recoveries(c, c.Person, "the last is back", func(v rest.Recoveries) bool { return len(v.Stragglers) == 0 && !v.Recoveries[1].Over.IsZero() })
	if r := v.Recoveries[1]; r.Answering != fleet || r.Missing != 0 || r.P99S == nil {
		t.Errorf("when all are back: %+v", r)
	}
	var list rest.Annotations
	c.Until("it is on record", func() bool {
		c.Get(rest.PathAnnotations, &list)
		n := 0
		for _, a := range list.Annotations {
			if a.Kind == "recovery" && *a.Ended == 0 {
				n++
			}
		}
		return n == 2
	})
}
