// Package maintenance keeps windows in which the cloud is worked on.
//
// A window is not an incident, and never carries an incident's words. It
// declares beforehand which capabilities will be how bad, between two moments
// that are given with their zone. In between it holds back what it declared
// and nothing else:
//
//	Judgement ─▶ Calendar.Apply ─┬▶ declared, begun inside, not worse than said: held back
//	                             └▶ anything else: passes, and is an incident
//
// What began before the window, fails outside of it, is worse than announced or
// another capability is an incident like any other. What still fails at the
// announced end is one too, from that second on: the end is a promise, and
// nobody can move it once the work has begun.
//
// Then comes the check: each canary that looks at what was declared has to come
// through three times in a row, in runs that began after the work was over. A
// window is only completed when all of it has passed; what has not after five
// minutes is an incident by itself, though no judge would call it one yet. What
// nobody ever measured holds no window open, and the window says so.
package maintenance
