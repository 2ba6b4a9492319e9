// Package notify gets a page to a person, and keeps the proof of it.
//
//	incident, maintenance ─▶ Notice ─▶ Pipeline ─▶ stages of outlets ─▶ a person
//	                                      │ ▲
//	                                      ▼ │ every word before it is acted upon
//	                                    journal
//
// A Notice is a change of an alert: it opens, has news, is acknowledged, is
// over. All notices of an alert carry one key, chosen by whoever opens it and
// written down before anything is sent, so that a restart neither forgets an
// alert nor opens it twice. An Outlet is a way to a person: PagerDuty, a signed
// webhook, mail. Outlets stand in stages; when nobody in a stage has taken a
// page within ten seconds, the next stage is told as well, while the first goes
// on trying. What an outlet answered when it took a page is its Receipt.
//
// The rules are in the ledger, which has no clock, socket or goroutine. The
// Pipeline around it does what the ledger says, and fails open: a journal that
// cannot be written to is shown in red and holds no page back. A Switch is the
// other way round: it tells somebody outside, all the time, that this process
// lives, so that its silence is noticed.
package notify
