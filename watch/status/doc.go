// Package status makes the page that tells everybody how the cloud is, and the
// forms of it that programs read.
//
//	View ─▶ / /incidents/{id} /maintenance/{id} /history     HTML that needs no script
//	     ├▶ /api/v2/*.json /index.json                       as Statuspage has them
//	     ├▶ /evidence.json /history.atom /history.rss /maintenance.ics /badge.svg
//	     └▶ Export(dir)                                      all of it as files, for a second host
//
// A View is a value: what was measured, judged and said at one moment. Every
// renderer is a pure function of it, so whatever the page shows can be shown
// again, and nothing on it can be newer, or greener, than the measurement.
//
// make screenshots has a browser take pictures of it, in docs/watch.
//
// The page is served by the watchtower, from memory, in another process than
// the cloud: it answers while the cloud, its database and its network are dead.
// It says when it was generated. When it has not been generated anew for
// three minutes, it says by itself that all of it is unknown: in the browser,
// with or without script, and in JSON.
package status
