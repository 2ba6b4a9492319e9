package incident

import (
	"errors"
	"fmt"
	"time"
)

// ErrFuture is that a customer's report is dated later than now.
var ErrFuture = errors.New("incident: that report has not been made yet")

// Report writes down that a customer told of it, and when: the earliest report
// counts. It may be written down long after, when the incident is over, too.
func (b *Book) Report(now, at time.Time, id, who, words string) (Change, error) {
	i, err := b.spoken(id, who, words)
	switch {
	case err != nil:
		return Change{}, err
	case at.After(now):
		return Change{}, ErrFuture
	}
	if i.FirstReport.IsZero() || at.Before(i.FirstReport) {
		i.FirstReport = at.UTC()
	}
	return i.event(now, Reported, who, "a customer reported it at "+at.UTC().Format("2006-01-02 15:04:05 UTC")+": "+words), nil
}

// Ahead is for how long the watchtower had known of it when the first report of
// a customer came; below zero it was behind. ok is false where nobody reported it.
func (i *Incident) Ahead() (d time.Duration, ok bool) {
	return i.FirstReport.Sub(i.Detected), !i.FirstReport.IsZero()
}

// AheadWords are the same for people.
func (i *Incident) AheadWords() string {
	d, ok := i.Ahead()
	switch {
	case !ok:
		return "no report"
	case d < 0:
		return fmt.Sprintf("%.1f min behind the first report", -d.Minutes())
	default:
		return fmt.Sprintf("%.1f min ahead of the first report", d.Minutes())
	}
}
