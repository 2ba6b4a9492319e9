// Package incident keeps the record of what went wrong: opened, moved and
// closed by measurement, told by people.
//
//	Judgement ─┐                                     ┌▶ Change ─▶ notify, journal
//	           ├▶ Book.Apply(now, judged, recovery) ─┤
//	Recovery ──┘                                     └▶ Incident ─▶ status
//
// An incident is fields and not prose: what fails, for whom, since when, what
// still works, what to do and what not, and when the next word is due. The
// sentences that people read are computed from them. A person adds words and
// may make it worse than it was measured, never better: who disagrees with the
// measurement disputes it, and page and timeline show both.
//
// One fault is one incident. What begins to fail within a quarter of an hour of
// the last turn, follows from what fails already, or has the same culprit,
// joins the incident that is open; what fails again within a quarter of an hour
// of having come back is the same incident as before.
//
// The room is pure: time is an argument, and a Book belongs to one goroutine.
// Its state is what its changes say: a journal that keeps them brings it back.
package incident
