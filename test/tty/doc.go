// Package tty runs programs on a terminal of their own (Linux), for tests
// of what only shows there: passwords that are asked for, lines that are drawn
// anew.
package tty
