// Package tower is the watchtower as a process: canaries run, a judge is asked
// every second, what he says goes to those who act on it, and everything is
// written down.
//
//	canary.Runner ─▶┐                    ┌─▶ Outlet: incidents, messages, the page
//	other vantages ─▶ judge, every second ┤
//	the cloud ──────▶┘                    └─▶ journal, 90 days
//
// A vantage that is only one of several sends its results to another watchtower,
// signed, and judges nothing itself ([Config.ReportTo]). A watchtower that dies
// is noticed by whoever waits for its heartbeat, by the cloud, which asks its
// /healthz, and by a [Beacon], which does nothing else.
package tower
