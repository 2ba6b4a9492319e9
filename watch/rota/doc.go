// Package rota says who is on call when, for those who have no service that
// does: lines of people who take turns, week by week, from a handover at a
// clock's time in a named zone, with swaps, covers and holidays.
//
//	notify:
//	  stages: [[rota/first], [rota/second], [rota/everybody]]
//	  rota:
//	    zone: Europe/Berlin
//	    handover: monday 09:00
//	    people:
//	      ada: [ada-phone, ada-mail]
//	      bob: [bob-phone]
//	    lines:
//	      first:  {begins: 2026-11-02, turns: [ada, bob]}
//	      second: {begins: 2026-11-02, turns: [bob, ada]}
//
// It is pure: what is asked is asked of a time. A time at which nobody is on
// call is a gap; in a gap everybody is, and it is said before it comes.
package rota
