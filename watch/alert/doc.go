// Package alert judges: from what canaries saw and what the cloud counted it
// says how bad it is for each capability, since when, and what the failures
// have in common.
//
//	Result ─▶ the last runs of each way in ─▶ four of six, of two vantages ─┐
//	                                        └▶ three of six: suspect         ├─▶ severity ─▶ Judgement
//	Traffic ─▶ share of failures, slices, counts, absence, burn rate ────────┘
//
// The first line are canaries: a handful of runs decides within half a minute.
// With several vantages four of the last six runs have to fail, from two of
// them at least; in twenty simulated days with one run in a hundred failing by
// chance that never happened. With one vantage a run that has not ended after
// two seconds makes it look every three, and four of the last five decide.
//
// The second line is the traffic of real devices, which sees what a canary
// cannot: a share of failures, a product, a network. It comes from the cloud
// itself, so it accuses and never acquits.
//
// Everything here is a pure function of what it was told and of the time, so
// that twenty days are simulated in seconds.
package alert
