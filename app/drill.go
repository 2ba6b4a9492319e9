package app

import (
	"context"
	"fmt"
	"time"

	"github.com/cyan-cloud/cyan/cloud/api/drills"
	"github.com/cyan-cloud/cyan/cloud/drill"
	"github.com/cyan-cloud/cyan/cloud/store"
)

// openDrills opens the ingress that only canaries use, before the first of the
// devices' ports of each transport.
func (a *App) openDrills(ctx context.Context, udp, tcp []string) (*drills.Desk, error) {
	o := a.opts
	book := drill.NewBook(a.drilled)
	cfg := drill.Config{Patient: isHeir(), Logger: o.Logger.With("node", o.Node, "component", "drill")}
	toUDP, toTCP := a.gateway.Addrs()
	if len(udp) > 0 && o.ListenDrillUDP != "off" {
		cfg.UDP, cfg.ToUDP = o.ListenDrillUDP, toUDP[0]
	}
	if len(tcp) > 0 && o.ListenDrillTCP != "off" {
		cfg.TCP, cfg.ToTCP = o.ListenDrillTCP, toTCP[0]
	}
	desk := &drills.Desk{Book: book, Accounts: a.store, Ingress: cfg.UDP != "" || cfg.TCP != ""}
	if !desk.Ingress {
		return desk, nil
	}
	var err error
	if a.drills, err = drill.Open(ctx, cfg, book); err != nil {
		return nil, err
	}
	a.push("ingress for drills", func(context.Context) error { a.drills.Close(); return nil })
	return desk, nil
}

// drillNoted is how long the store may take for the note of a drill.
const drillNoted = 5 * time.Second

// drilled keeps a drill on record, for whoever wonders about canaries.
func (a *App) drilled(d drill.Drill) {
	ctx, cancel := context.WithTimeout(context.Background(), drillNoted)
	defer cancel()
	n := store.Annotation{
		At: d.Began, Kind: store.KindDrill, Node: a.opts.Node, Author: d.Author, Sessions: store.UnknownCount,
		Detail: fmt.Sprintf("drill %s begins: %s on the ingress that only canaries use fail until %s at the latest; no device is disturbed",
			d.ID, d.Kind, d.Until.Format(time.RFC3339)),
	}
	if !d.Ended.IsZero() {
		n.At, n.Detail = d.Ended, fmt.Sprintf("drill %s is over after %v", d.ID, d.Ended.Sub(d.Began).Round(time.Second))
	}
	a.opts.Logger.Info("drill", "node", a.opts.Node, "detail", n.Detail, "author", d.Author)
	if err := a.store.AddAnnotation(ctx, n); err != nil {
		a.opts.Logger.Error("the drill is not on record", "err", err)
	}
}
