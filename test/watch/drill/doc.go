// Package drill breaks a cloud, on purpose and otherwise, and looks what the
// watchtower says until all is over.
package drill
