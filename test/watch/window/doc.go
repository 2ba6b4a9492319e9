// Package window has the cloud worked on, as announced and longer than that:
// what its API, its page and its pager say meanwhile, and when a window closes.
package window
