// Package notifytest has stand-ins for what pages go to: PagerDuty, a receiver
// of webhooks, a mail server and a dead man's switch, each with the failures
// that the real one is documented to have. Pager and Hook are http.Handlers:
// tests on fake time reach them by Within, without a socket, and the fault
// suite puts them behind a listener.
package notifytest
