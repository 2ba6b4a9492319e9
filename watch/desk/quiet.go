package desk

import (
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"github.com/cyan-cloud/cyan/watch/hours"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// Counted is what the cloud counted of everybody in a minute.
func (d *Desk) Counted(t *signal.Traffic) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.charts.memory.Counted(t)
	if d.diary.Note(t) { // an hour has ended: that is often enough
		d.keepDiary()
	}
}

// quiet gives the times at which least is done of what somebody means to touch.
func (d *Desk) quiet(r *http.Request) (any, error) {
	ask := hours.Ask{After: time.Now()}
	q := r.URL.Query()
	var err error
	if text := q.Get("after"); text != "" {
		if ask.After, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, err
		}
	}
	if text := q.Get("for"); text != "" {
		if ask.Length, err = time.ParseDuration(text); err != nil {
			return nil, err
		}
	}
	if ask.Length < 0 || ask.Length > 24*time.Hour {
		return nil, errors.New("desk: a window is a day long at most")
	}
	for _, name := range q["touches"] {
		ask.Effects = append(ask.Effects, signal.Capability(name))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.diary.Quietest(ask)
	return append([]hours.Proposal{}, list...), nil
}

func (d *Desk) diaryFile() string { return filepath.Join(d.cfg.Data, "hours.json") }

// keepDiary replaces the file of the hours. That it cannot is no reason to stop
// anything.
func (d *Desk) keepDiary() {
	if err := replaceFile(d.diaryFile(), &d.diary); err != nil {
		d.cfg.Logger.Warn("what is done in each hour is not written down", "err", err)
	}
}
