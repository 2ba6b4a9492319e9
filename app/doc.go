// Package app wires the rooms of the house together and starts and stops them
// in order. It is the only place that knows every room, and it can be
// embedded: a test starts a whole cloud with New.
package app
