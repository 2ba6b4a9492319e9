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
// nobody can move it once the work has begun. A window is only completed when
// everything that it touched is measured to work.
package maintenance
