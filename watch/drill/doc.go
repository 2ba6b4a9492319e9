// Package drill is the watchtower's part in drills. An ingress that only
// canaries use is broken on purpose; what its canaries see goes the way that an
// outage goes, with the same rules, to an incident of a book of its own, to the
// pagers, marked as a test, and to the page, which says that it is a drill. What
// each step took is the result.
//
// Nothing of it touches what is told of the cloud: no component, no day, no
// incident that counts, no feed.
package drill
