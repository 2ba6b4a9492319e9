// Package watchers kills the watchtower, and those who are paged: somebody has
// to hear of it all the same.
package watchers
