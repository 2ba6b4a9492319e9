// Package outage is what the API says of the cloud's own failures: counts for
// the watchtower, the incident that is open, and whom one has hit.
//
// Counts keeps what happens in each minute and answers GET /v1/signals. Known
// asks the watchtower's page every few seconds which incidents there are, so
// that no request waits for it. Impact answers GET /v1/impact from the record
// of connection attempts, and Desk GET /v1/recoveries from the roll of those
// who were there before a disconnect.
package outage
