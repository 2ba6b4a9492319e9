package fleet

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/web"
	"github.com/cyan-cloud/cyan/cloud/headcount"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const (
	maxPoints = 1500
	// fewPoints is how many there are at most if nobody says how long a step is.
	fewPoints = 500
)

// steps are those that are chosen from.
var steps = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// dimensions are what a history can be limited to one word of.
var dimensions = map[string]headcount.Dimension{
	"product": headcount.Product, "transport": headcount.Transport, "firmware": headcount.Firmware, "device_os": headcount.System,
}

// stretch is the time that a history is asked of.
type stretch struct {
	since, until time.Time
	step         time.Duration
}

// history answers GET /v1/headcount/history?since=…&until=…&step=…, of all or of
// one product, transport, firmware or version of Device OS.
func (d *Desk) history(w http.ResponseWriter, r *web.Request) error {
	owner, err := d.whose(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	s, err := stretchOf(query, d.cfg.Now())
	if err != nil {
		return err
	}
	var only headcount.Only
	for name, dimension := range dimensions {
		switch word := query.Get(name); {
		case word == "":
		case only.Word != "":
			return web.Malformed("a history is of one product, transport, firmware or device_os: ask once for each")
		default:
			only = headcount.Only{Dimension: dimension, Word: word}
		}
	}
	points, err := d.cfg.Counter.History(r.Context(), owner, only, s.since, s.until, s.step)
	if err != nil {
		return err
	}
	answer := rest.HeadcountHistory{
		Since: rest.At(s.since), Until: rest.At(s.until), StepS: int(s.step / time.Second), Points: make([]rest.HeadcountPoint, len(points)),
	}
	for i := range points {
		p := &points[i]
		answer.Points[i].At = rest.At(p.At)
		if p.Known {
			answer.Points[i] = rest.HeadcountPoint{At: rest.At(p.At), Connected: &p.Last, Min: &p.Min, Max: &p.Max}
		}
	}
	return web.Answer(w, http.StatusOK, answer)
}

// stretchOf reads the time that is meant: a day until now, if nothing is said.
func stretchOf(query url.Values, now time.Time) (s stretch, err error) {
	s.until = now
	for name, into := range map[string]*time.Time{"since": &s.since, "until": &s.until} {
		if text := query.Get(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil {
				return s, web.Malformed("the parameter " + name + " is not a date of the form 2026-01-31T12:00:00Z")
			}
		}
	}
	if s.since.IsZero() {
		s.since = s.until.Add(-24 * time.Hour)
	}
	long := s.until.Sub(s.since)
	switch {
	case long <= 0:
		return s, web.Malformed("the parameter since is not before until, which is now if it is left out")
	case now.Sub(s.since) > headcount.Kept+time.Hour || s.until.After(now.Add(time.Hour)):
		return s, web.Malformed(fmt.Sprintf("how many devices are connected is known of the last %d days: ask for since and until within them", int(headcount.Kept.Hours()/24)))
	}
	if text := query.Get("step"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds <= 0 || seconds%60 != 0 || seconds > int(headcount.Kept/time.Second) {
			return s, web.Malformed("the parameter step is not a number of seconds that is a multiple of 60")
		}
		s.step = time.Duration(seconds) * time.Second
		if n := long/s.step + 1; n > maxPoints {
			return s, web.Malformed(fmt.Sprintf("that would be %d points, at most %d are given at once: ask for a longer step or a shorter time", n, maxPoints))
		}
		return s, nil
	}
	for _, s.step = range steps {
		if long/s.step < fewPoints {
			break
		}
	}
	return s, nil
}
