package outage

import (
	"slices"
	"time"

	"github.com/cyan-cloud/cyan/wire/rest"
)

// work is a window of maintenance as the page announced it.
type work struct {
	rest.Maintenance
	parts []string // names of components that may fail in it
}

// windowsOf gives those that may be in progress, now or later. One whose work
// was ended before its time is not: what fails after that is an incident.
func windowsOf(p page) (list []work) {
	for _, w := range p.Windows {
		if !plain(w.ID) || w.Status != "scheduled" && w.Status != "in_progress" || !w.Until.After(w.For) {
			continue
		}
		m := rest.Maintenance{ID: w.ID, Name: w.Name, URL: w.Link, Starts: rest.At(w.For), Ends: rest.At(w.Until)}
		list = append(list, work{m, w.Components.names()})
	}
	return list
}

// windows gives those that are in progress. They are announced, not measured: so
// this one's own clock says when they begin and end, and one that was heard of
// is believed until its end although the page may be part of the work.
func (k *Known) windows(now time.Time) (list []work) {
	if k == nil {
		return nil
	}
	h := k.heard.Load()
	if h == nil {
		return nil
	}
	for _, w := range h.windows {
		if !now.Before(w.Starts.Time) && now.Before(w.Ends.Time) {
			list = append(list, w)
		}
	}
	return list
}

// Working gives a window of maintenance in which the cloud is now; nil: none is
// known.
func (k *Known) Working(now time.Time) *rest.Maintenance {
	for _, w := range k.windows(now) {
		return &w.Maintenance
	}
	return nil
}

// Announced gives the window that announced that something may fail so; nil:
// none did.
func (k *Known) Announced(route string, status int, code string, now time.Time) *rest.Maintenance {
	parts := touched(route, status, code)
	for _, w := range k.windows(now) {
		if slices.ContainsFunc(w.parts, func(p string) bool { return slices.Contains(parts, p) }) {
			return &w.Maintenance
		}
	}
	return nil
}
