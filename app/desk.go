package app

import (
	"net/url"
	"strings"

	"github.com/cyan-cloud/cyan/watch/desk"
	"github.com/cyan-cloud/cyan/watch/status"
	"github.com/cyan-cloud/cyan/watch/tower"
)

// openDesk gives the watchtower its incidents, its maintenance and its page. A
// vantage that reports to another has none of them.
func (w *Watch) openDesk(o *WatchOptions, cfg *tower.Config) error {
	if o.ReportTo != "" {
		return nil
	}
	page := status.Page{Name: o.StatusName, URL: strings.TrimRight(o.StatusPublic, "/")}
	if u, err := url.Parse(o.Public); err == nil && page.Name == "" {
		page.Name = u.Host
	}
	if page.URL == "" {
		page.URL = "http://" + o.Listen
	}
	var err error
	w.desk, err = desk.Open(desk.Config{
		Data: o.Data, Page: page, Export: o.StatusExport, Logger: o.Logger,
		Notes: func() []string { return w.Unwatched },
	})
	if err != nil {
		return err
	}
	cfg.Outlets, cfg.Page = append(cfg.Outlets, w.desk), w.desk
	return nil
}
