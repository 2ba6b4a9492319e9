package desk

import (
	"net/http"
	"path/filepath"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

const (
	showEvery = 5 * time.Second
	saveEvery = time.Minute
)

// show makes the page say what is true now. Incidents that are on it for the
// first time are published from then on.
func (d *Desk) show(now time.Time, changed bool) {
	if !changed && now.Sub(d.shown) < showEvery {
		return
	}
	v := d.view(now)
	d.days.Note(now, v.Components, !v.Blind.IsZero())
	d.shown = now
	d.site.Show(v)
	var published []incident.Change
	for i := range v.Incidents {
		if in := &v.Incidents[i]; in.Open() && in.Milestones().Published.IsZero() {
			if c, err := d.book.Published(time.Now(), in.ID, d.cfg.Page.URL); err == nil {
				published = append(published, c)
			}
		}
	}
	if len(published) > 0 {
		d.write(published, nil)
		v = d.view(now)
		d.site.Show(v)
	}
	if changed || now.Sub(d.saved) >= saveEvery {
		d.saved = now
		d.save(v, now)
	}
}

// save writes the days, and the page as files.
func (d *Desk) save(v *status.View, now time.Time) {
	if err := d.charts.keep(now); err != nil {
		d.cfg.Logger.Error("the minutes of the charts are not written down", "err", err)
	}
	if err := replaceFile(d.daysFile(), &d.days); err != nil {
		d.cfg.Logger.Error("the days of the page are not written down", "err", err)
	}
	if d.cfg.Export == "" {
		return
	}
	if err := v.Export(d.cfg.Export, now); err != nil {
		d.cfg.Logger.Error("the page is not exported", "err", err)
	}
}

// view is everything that the page knows now.
func (d *Desk) view(now time.Time) *status.View {
	v := &status.View{
		Page: d.cfg.Page, At: now.UTC(), Blind: d.book.Blind(), Incidents: d.book.List(), Windows: d.plans.List(),
		Strips: d.seen.shown(now), Drill: d.drill,
	}
	if d.cfg.Restarts != nil {
		v.Restarts = d.cfg.Restarts()
	}
	if d.cfg.Notes != nil {
		v.Notes = d.cfg.Notes()
	}
	var finished []Drawn
	v.Charts, finished = d.charts.draw(v.Incidents, v.Windows, now)
	for i := range finished {
		d.append(Record{Drawn: &finished[i]})
	}
	held := make(map[signal.Capability]signal.Judgement)
	for _, j := range d.plans.Held() {
		held[j.Capability] = j
	}
	bad := d.book.Severities()
	for _, c := range signal.Capabilities() {
		k := status.Component{Capability: c, Severity: bad[c], Measured: d.seen.measured(c, now, minutes), Recent: d.seen.measured(c, now, recent), Days: d.days.Of(c)}
		if j, ok := held[c]; ok && bad[c] == signal.Operational {
			k.Severity, k.Held, k.Changed = j.Severity, true, j.At
		} else {
			k.Changed = changedAt(c, v.Incidents)
		}
		// What nobody measures is not on the page.
		if k.Measured.Tried > 0 || len(k.Days) > 0 || k.Severity > signal.Operational {
			v.Components = append(v.Components, k)
		}
	}
	return v
}

// changedAt is when a capability became what it is.
func changedAt(c signal.Capability, all []incident.Incident) time.Time {
	for i := range all {
		if p := all[i].Part(c); p != nil {
			if !p.Until.IsZero() {
				return p.Until
			}
			return p.Since
		}
	}
	return time.Time{}
}

// ServeHTTP serves the page to everybody, and below /admin/ the desk to those
// with the key.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.routes.ServeHTTP(w, r) }

func (d *Desk) daysFile() string { return filepath.Join(d.cfg.Data, "days.json") }

// List gives the incidents and windows that there are, newest first.
func (d *Desk) List() ([]incident.Incident, []maintenance.Window) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.book.List(), d.plans.List()
}
