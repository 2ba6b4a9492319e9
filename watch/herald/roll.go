package herald

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	pager "github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/owners"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// roll is which devices of an owner are offline, and what was told of that. It
// stays on the disk.
type roll struct {
	Known   bool             `json:"known"`            // there was a look before: who was offline then is nothing new
	Away    map[string]*away `json:"away"`             // by id: devices that are offline
	Held    int              `json:"held"`             // devices whose alerts were held in the incident that is open
	Trouble time.Time        `json:"trouble,omitzero"` // when the cloud had one last
	Last    owners.Known     `json:"last"`             // what was known last of an incident that was open
}

// away is a device that is offline.
type away struct {
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
	Alert string    `json:"alert,omitempty"` // the key of what was told of it
	Held  bool      `json:"held,omitempty"`  // nothing was, because the cloud was at fault
	Old   bool      `json:"old,omitempty"`   // it was offline when the watchtower first looked
}

// grace is how long after the end of an incident devices may take to come back
// before that is told: their own clocks bring them back, the slowest within 25
// minutes.
const grace = 30 * time.Minute

// namesShown is how many devices are named in one message.
const namesShown = 20

func readRoll(path string) (*roll, error) {
	r := &roll{Away: map[string]*away{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, r)
	}
	if err != nil || r.Away == nil {
		return &roll{Away: map[string]*away{}}, err
	}
	return r, nil
}

// save replaces the file whole.
func (r *roll) save(path string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	next := path + ".next"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// look takes in who is online, and gives the alerts of which everybody is back.
func (r *roll) look(list []rest.Device, now time.Time) (over []string) {
	seen := map[string]bool{}
	for i := range list {
		d := &list[i]
		seen[d.ID] = true
		a := r.Away[d.ID]
		switch {
		case d.Connected && a != nil:
			over = append(over, r.gone(d.ID)...)
		case !d.Connected && a == nil:
			name := string(d.Name)
			if name == "" {
				name = d.ID
			}
			r.Away[d.ID] = &away{Name: name, Since: now.UTC(), Old: !r.Known}
		}
	}
	for id := range r.Away {
		if !seen[id] { // it is the owner's no more
			over = append(over, r.gone(id)...)
		}
	}
	r.Known = true
	return over
}

// gone takes a device off the roll, and gives the alert that is over by that.
func (r *roll) gone(id string) []string {
	key := r.Away[id].Alert
	delete(r.Away, id)
	if key == "" {
		return nil
	}
	for _, other := range r.Away {
		if other.Alert == key {
			return nil
		}
	}
	return []string{key}
}

// due gives the devices to be told of now, by name. While the cloud is at
// fault, and for a while after it, all of them are held.
func (r *roll) due(patience time.Duration, troubled bool, now time.Time) (list []*away) {
	if troubled {
		r.Trouble = now.UTC()
	}
	excused := !r.Trouble.IsZero() && now.Sub(r.Trouble) < grace
	for _, a := range r.Away {
		switch {
		case a.Old || a.Alert != "":
		case excused && !a.Held:
			a.Held = true
			r.Held++
		case !excused && now.Sub(a.Since) >= patience:
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *away) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// watch looks who is offline, and tells of those who have been for too long: of
// all of a look in one message.
func (h *Herald) watch(ctx context.Context, p *post, seen *owners.Seen) {
	asked, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	list, err := h.cfg.List(p.page.Token).Devices(asked)
	now := time.Now()
	if err != nil {
		h.cfg.Logger.Debug("who is offline", "owner", p.page.Name, "err", err)
		p.roll.due(p.page.Offline, true, now) // who cannot be asked is at fault
		return
	}
	for _, key := range p.roll.look(list, now) {
		h.send(p, &pager.Notice{ID: key + ":over", Key: key, Kind: pager.Resolve, Event: online, Summary: "Online again", At: now})
	}
	if late := p.roll.due(p.page.Offline, seen.Troubled(), now); len(late) > 0 {
		n := h.missing(p, late, now)
		for _, a := range late {
			a.Alert = n.Key
		}
		h.send(p, n)
	}
}

// missing is what an owner reads of devices that are offline.
func (h *Herald) missing(p *post, late []*away, now time.Time) *pager.Notice {
	n := &pager.Notice{
		Key: fmt.Sprintf("devices:%d", now.UnixNano()), Kind: pager.Trigger, Event: offline, Severity: pager.Warning, At: now, Group: p.page.Name,
		Links: []pager.Link{{Text: "your page", URL: h.cfg.URL + owners.Path + p.page.Path}},
	}
	n.ID = n.Key
	held := 0
	for i, a := range late {
		if a.Held {
			held++
		}
		if i < namesShown {
			n.Details = append(n.Details, pager.Detail{Name: a.Name, Value: "offline since " + a.Since.Format("2006-01-02 15:04:05 UTC")})
		}
	}
	switch {
	case len(late) == 1:
		n.Summary = late[0].Name + " is offline since " + late[0].Since.Format("2006-01-02 15:04 UTC")
	default:
		n.Summary = fmt.Sprintf("%d devices are offline", len(late))
	}
	if held == len(late) {
		n.Summary += ", and did not come back after the disturbance of the cloud"
	} else {
		n.Summary += ". The cloud works"
	}
	return n
}
