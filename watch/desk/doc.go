// Package desk is where incidents and maintenance are kept while the watchtower
// runs: it takes what canaries saw and the judge judged, keeps book and
// calendar in a journal, shows the status site what is true, and lets people
// with the key add to it.
//
//	tower ─▶ Noted, Judged ─▶ calendar ─▶ book ─┬▶ journal, then Told (notify)
//	people ─▶ /admin/… with the key ────────────┘▶ View ─▶ status.Site
//
// A change is in the journal before anybody is told of it: a restart neither
// forgets an incident nor opens it twice. Nothing here waits for anything but
// the disk.
package desk
