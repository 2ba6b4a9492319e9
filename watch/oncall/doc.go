// Package oncall stands between what the watchtower knows and those who are
// paged: what becomes of incidents, windows of maintenance and the cloud
// itself turns into notices, and what becomes of notices turns into lines of
// the incidents' timelines.
//
//	desk    ─▶ Told, Planned ─▶ notices ─▶ notify.Pipeline ─▶ people
//	the cloud's deploys ──────┘                  │
//	desk's timelines ◀─ receipts, calls, acknowledgements
//
// The same change always makes the same notice, with the same id. So what the
// end of the process kept one side from hearing is made good at the next start
// by saying all of it again: who knows it already ignores it.
package oncall
