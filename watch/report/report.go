package report

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// Facts are what the watchtower knows.
type Facts struct {
	Name      string    // whose cloud it is
	URL       string    // of the status page
	Since     time.Time // it has been measured
	Incidents []incident.Incident
	Windows   []maintenance.Window
	Days      map[signal.Capability][]status.Day // of the last 90 days
	Drill     *status.Drill                      // the last one; nil: there was none
}

// Report is a month.
type Report struct {
	Name      string    `json:"name"`
	Month     string    `json:"month"` // 2026-11, of UTC
	From      time.Time `json:"from"`
	Until     time.Time `json:"until"`
	Over      bool      `json:"over"` // false: the month goes on, and so does the report
	Generated time.Time `json:"generated_at"`

	// ToldFirst counts the incidents that a customer told of before they were
	// known here. It has to be 0.
	ToldFirst int        `json:"customers_told_us_first"`
	Reported  int        `json:"reported_by_customers"` // incidents that any customer told of
	Detect    Took       `json:"time_to_detect"`
	Page      Took       `json:"time_to_page"`
	Publish   Took       `json:"time_to_publish"`
	Parts     []Part     `json:"capabilities"`
	Incidents []Incident `json:"incidents"` // oldest first
	Windows   []Window   `json:"maintenances"`
	Drill     *Exercise  `json:"last_drill"`
}

// Part is how available a capability was, in seconds of the month.
type Part struct {
	Capability signal.Capability `json:"capability"`
	Name       string            `json:"name"`
	// Available is the share of the time in which somebody looked that was no
	// outage. A partial one counts in full. Missing: nobody looked, or the days are
	// kept no more.
	Available   *float64 `json:"available,omitempty"`
	Good        int      `json:"good_s"`
	Degraded    int      `json:"degraded_s"`
	Partial     int      `json:"partial_s"`
	Major       int      `json:"major_s"`
	Maintenance int      `json:"maintenance_s"`
	Unknown     int      `json:"unknown_s"`
}

// Took is how long something took from the first failure, over the incidents of
// the month. Of none it is empty.
type Took struct {
	Count  int      `json:"count"`
	Never  int      `json:"never"` // incidents of which it never came
	Median *float64 `json:"median_s,omitempty"`
	Worst  *float64 `json:"worst_s,omitempty"`
}

// Incident is one that began or went on in the month. Times are seconds from the
// first failure; missing: that has not come.
type Incident struct {
	Number       int             `json:"number"`
	URL          string          `json:"url"`
	Title        string          `json:"title"`
	Worst        signal.Severity `json:"worst"`
	By           signal.Witness  `json:"detected_by"`
	Began        time.Time       `json:"began"`
	Ended        time.Time       `json:"ended,omitzero"`
	Lasted       float64         `json:"lasted_s"`
	Earlier      bool            `json:"began_earlier"` // than the month: it counts there
	Detected     *float64        `json:"detected_s,omitempty"`
	Paged        *float64        `json:"paged_s,omitempty"`
	Published    *float64        `json:"published_s,omitempty"`
	Acknowledged *float64        `json:"acknowledged_s,omitempty"`
	Ahead        *float64        `json:"ahead_of_first_report_min,omitempty"` // below 0: behind; missing: no report
	AheadWords   string          `json:"ahead_words"`
	Told         []Told          `json:"told"`
}

// Told is that somebody told somebody.
type Told struct {
	At   time.Time `json:"at"`
	Who  string    `json:"who"`
	Whom string    `json:"whom"`
	What string    `json:"what"`
}

// Window is maintenance in the month.
type Window struct {
	Number int                `json:"number"`
	Title  string             `json:"title"`
	Kind   maintenance.Kind   `json:"kind"`
	Status maintenance.Status `json:"status"`
	Starts time.Time          `json:"starts_at"`
	Ends   time.Time          `json:"ends_at"`
}

// Exercise is the last drill up to the end of the month.
type Exercise struct {
	At        time.Time `json:"at"`
	Detected  float64   `json:"detected_s"`
	Paged     float64   `json:"paged_s"`
	Published float64   `json:"published_s"`
	Resolved  float64   `json:"resolved_s"`
}

// Errors of months that there is no report of.
var (
	ErrMonth   = errors.New("report: want a month such as 2026-11")
	ErrTooSoon = errors.New("report: that month has not begun")
)

// Of makes the report of a month.
func Of(f *Facts, month string, now time.Time) (*Report, error) {
	from, err := time.Parse("2006-01", month)
	if err != nil {
		return nil, ErrMonth
	}
	if !now.After(from) {
		return nil, ErrTooSoon
	}
	r := &Report{
		Name: f.Name, Month: month, From: from, Until: from.AddDate(0, 1, 0), Generated: now.UTC(), Over: true,
		Incidents: []Incident{}, Windows: []Window{}, Parts: []Part{},
	}
	if now.Before(r.Until) {
		r.Until, r.Over = now.UTC(), false
	}
	for _, c := range signal.Capabilities() {
		if p := partOf(c, f.Days[c], month); p.Good+p.Degraded+p.Partial+p.Major+p.Maintenance+p.Unknown > 0 {
			r.Parts = append(r.Parts, p)
		}
	}
	for _, i := range slices.Backward(f.Incidents) { // they are newest first
		if i.Drill == "" && i.Began.Before(r.Until) && (i.Ended().IsZero() || !i.Ended().Before(from)) {
			r.add(&i, f.URL, now)
		}
	}
	for _, w := range slices.Backward(f.Windows) {
		if w.Starts.Before(r.Until) && !w.Ends.Before(from) {
			r.Windows = append(r.Windows, Window{w.Number, w.Title, w.Kind, w.Status, w.Starts, w.Ends})
		}
	}
	if d := f.Drill; d != nil && d.At.Before(r.Until) {
		r.Drill = &Exercise{d.At, d.Detected, d.Paged, d.Published, d.Resolved}
	}
	r.Detect, r.Page, r.Publish = took(r.Incidents, func(i *Incident) *float64 { return i.Detected }),
		took(r.Incidents, func(i *Incident) *float64 { return i.Paged }), took(r.Incidents, func(i *Incident) *float64 { return i.Published })
	return r, nil
}

// partOf sums up the days of a month.
func partOf(c signal.Capability, days []status.Day, month string) Part {
	p := Part{Capability: c, Name: c.String()}
	known, down := 0, 0
	for i := range days {
		d := &days[i]
		if len(d.Date) < len(month) || d.Date[:len(month)] != month {
			continue
		}
		p.Good, p.Degraded, p.Partial, p.Major = p.Good+d.Good, p.Degraded+d.Degraded, p.Partial+d.Partial, p.Major+d.Major
		p.Maintenance, p.Unknown = p.Maintenance+d.Maintenance, p.Unknown+d.Unknown
		known, down = known+d.Known(), down+d.Down()
	}
	if known > 0 {
		share := 1 - float64(down)/float64(known)
		p.Available = &share
	}
	return p
}

// add takes an incident in, and counts it where it began in the month.
func (r *Report) add(i *incident.Incident, page string, now time.Time) {
	m := i.Milestones()
	after := func(t time.Time) *float64 {
		if t.IsZero() {
			return nil
		}
		s := t.Sub(i.Began).Seconds()
		return &s
	}
	line := Incident{
		Number: i.Number, URL: page + "/i/" + strconv.Itoa(i.Number), Title: i.Title(), Worst: i.Worst(), By: i.By, Began: i.Began, Ended: i.Ended(),
		Lasted: i.Lasted(now).Seconds(), Earlier: i.Began.Before(r.From), Detected: after(m.Detected), Paged: after(m.PageAccepted), Published: after(m.Published),
		Acknowledged: after(m.Acknowledged), Ahead: m.Ahead, AheadWords: i.AheadWords(), Told: told(i),
	}
	if line.Ahead != nil && !line.Earlier {
		r.Reported++
		if *line.Ahead < 0 {
			r.ToldFirst++
		}
	}
	r.Incidents = append(r.Incidents, line)
}

// told reads off the timeline who told whom, and when.
func told(i *incident.Incident) []Told {
	list := []Told{}
	for _, e := range i.Timeline {
		t := Told{At: e.At, Who: "the watchtower", What: e.Text}
		switch e.Kind {
		case incident.PageAccepted:
			t.Whom, t.What = e.Who, "paged"
		case incident.Escalated:
			t.Whom = "the next stage"
		case incident.Published:
			t.Whom, t.What = "everybody", "published"
		case incident.Acknowledged:
			t.Who, t.Whom, t.What = e.Who, "the watchtower", "has it"
		case incident.Reported:
			t.Who, t.Whom = "a customer", e.Who
		case incident.Said, incident.Claimed, incident.Disputed:
			t.Who, t.Whom = e.Who, "everybody"
		default:
			continue
		}
		list = append(list, t)
	}
	return list
}

// took sums up how long something took, of the incidents that began in the
// month.
func took(all []Incident, of func(*Incident) *float64) (t Took) {
	var list []float64
	for i := range all {
		switch s := of(&all[i]); {
		case all[i].Earlier:
		case s == nil:
			t.Never++
		default:
			list = append(list, *s)
		}
	}
	t.Count = len(list)
	if t.Count == 0 {
		return t
	}
	slices.Sort(list)
	median := (list[(t.Count-1)/2] + list[t.Count/2]) / 2
	t.Median, t.Worst = &median, &list[t.Count-1]
	return t
}
