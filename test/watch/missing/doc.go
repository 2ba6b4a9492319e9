// Package missing proves that traffic which never arrives raises an alarm,
// from what the cloud counts of devices to the incident that pages. Nothing
// fails meanwhile: who is stopped on the way to us leaves no trace but that he
// does not come.
//
// What is real is everything that is between: the cloud's counts, its API over
// HTTP, the watchtower's client, judge and book. The minutes are not: the cloud
// learns for half an hour what is usual.
package missing
