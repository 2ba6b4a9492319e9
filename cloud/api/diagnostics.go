package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/bus"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Vitals keeps what devices say of their health.
type Vitals interface {
	AddVitals(ctx context.Context, id device.ID, v device.Vitals) error
	// Vitals gives what the device said within the time, newest first.
	Vitals(ctx context.Context, id device.ID, since, until time.Time, limit int) ([]device.Vitals, error)
}

// metricsFlag asks for the part of a describe that holds metrics.
const metricsFlag = 4

// maxVitals is how many a history shows.
const maxVitals = 1000

// keepVitals stores what a device has said. Every node's API hears of it and
// stores the same.
func (a *API) keepVitals(e *event.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), claimTimeout)
	defer cancel()
	err := a.cfg.Vitals.AddVitals(ctx, e.Device, device.Vitals{At: e.Published, Payload: e.Data})
	if err != nil && fault.KindOf(err) != fault.NotFound {
		a.log.Warn("vitals not kept", "device", e.Device, "err", err)
	}
}

// refreshVitals answers POST /v1/diagnostics/{device}/update: the device is
// asked, and what it says comes as an event.
func (a *API) refreshVitals(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	res, err := a.cfg.Bus.Call(r.Context(), bus.Call{
		Device: d.ID, Kind: bus.Describe, Flags: metricsFlag, Timeout: a.cfg.CallTimeout, Request: r.ID,
	})
	if err != nil {
		return callProblem(r.Context(), &d, question{"question about the health", "", "", a.cfg.CallTimeout}, res, err)
	}
	return web.Answer(w, http.StatusAccepted, rest.OK{OK: true})
}

// lastVitals answers GET /v1/diagnostics/{device}/last.
func (a *API) lastVitals(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	list, err := a.cfg.Vitals.Vitals(r.Context(), d.ID, time.Time{}, time.Time{}, 1)
	if err != nil {
		return web.StoreError(err)
	}
	if len(list) == 0 {
		return fault.Errorf(fault.NotFound, "device %s has said nothing of its health yet: ask it with POST /v1/diagnostics/%s/update",
			nameOf(&d), d.ID)
	}
	return web.Answer(w, http.StatusOK, rest.LastDiagnostics{Diagnostics: vitalsView(&d, &list[0])})
}

func vitalsView(d *device.Device, v *device.Vitals) rest.Diagnostics {
	return rest.Diagnostics{UpdatedAt: rest.At(v.At), DeviceID: d.ID.String(), Payload: json.RawMessage(v.Payload)}
}

// vitalsHistory answers GET /v1/diagnostics/{device}?start_date=…&end_date=….
func (a *API) vitalsHistory(w http.ResponseWriter, r *web.Request) error {
	d, err := a.device(r)
	if err != nil {
		return err
	}
	since, err := dateOf(r, "start_date")
	if err != nil {
		return err
	}
	until, err := dateOf(r, "end_date")
	if err != nil {
		return err
	}
	list, err := a.cfg.Vitals.Vitals(r.Context(), d.ID, since, until, maxVitals)
	if err != nil {
		return web.StoreError(err)
	}
	if strings.Contains(r.Header.Get("Accept"), "text/csv") {
		return vitalsTable(w, list)
	}
	views := make([]rest.Diagnostics, len(list))
	for i := range list {
		views[i] = vitalsView(&d, &list[i])
	}
	return web.Answer(w, http.StatusOK, rest.DiagnosticsHistory{Diagnostics: views})
}

// dateOf reads a date or an instant of the query; zero: there is none.
func dateOf(r *web.Request, name string) (time.Time, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, v); err == nil {
			return at, nil
		}
	}
	return time.Time{}, web.Malformed("start_date and end_date must be ISO8601 formatted")
}

// vitalsTable writes vitals as a table, a column for each number that there
// is, oldest first.
func vitalsTable(w http.ResponseWriter, list []device.Vitals) error {
	rows := make([]map[string]string, len(list))
	columns := map[string]bool{}
	for i, v := range list {
		rows[i] = map[string]string{}
		var payload any
		if json.Unmarshal(v.Payload, &payload) == nil {
			flatten("", payload, rows[i])
		}
		for name := range rows[i] {
			columns[name] = true
		}
	}
	names := make([]string, 0, len(columns))
	for name := range columns {
		names = append(names, name)
	}
	slices.Sort(names)
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out := csv.NewWriter(w)
	_ = out.Write(append([]string{"updated_at"}, names...)) // a client that is gone needs no answer
	for i, v := range slices.Backward(list) {
		row := []string{rest.At(v.At).String()}
		for _, name := range names {
			row = append(row, rows[i][name])
		}
		_ = out.Write(row)
	}
	out.Flush()
	return nil
}

// flatten names every leaf of a tree by its path.
func flatten(path string, v any, into map[string]string) {
	tree, ok := v.(map[string]any)
	if !ok {
		text, _ := json.Marshal(v) // it came from JSON
		into[path] = strings.Trim(string(text), `"`)
		return
	}
	for name, below := range tree {
		flatten(strings.TrimPrefix(path+"."+name, "."), below, into)
	}
}
