// Package report makes the monthly report that a manager reads: how available
// each capability was, with partial outages counted in full, how long it took
// to detect, page and publish each incident, whether customers knew of it
// first, and who told whom.
//
//	incidents, windows, days ─▶ Of(month) ─▶ Report ─▶ /reports/2026-11, .md, .json
//
// Everything in it is measured or written down by the watchtower; a month is one
// of UTC. It is pure but for Handler.
package report
