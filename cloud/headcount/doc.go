// Package headcount knows how many devices are connected now, and how many were
// a minute, a day or a week ago: of an owner or of everybody, in all and by
// product, transport, firmware and version of Device OS.
//
//	gateway's table ─▶ Tally ─┬─▶ Now, Watch: at most once a second, and only if somebody looks
//	                          └─▶ once a minute: blocks of an hour ─▶ book ─▶ Moment, History
//
// Connected is what device.State calls so: online, and in limbo. Sessions that
// were taken up behind a crash and have not been heard since are counted apart,
// as unheard, until the device says something.
//
// # Of many nodes
//
// A node counts the devices that it holds. The book lies beside the database, so
// that nodes which have a database in common have the book in common: what it
// says of a minute is the sum of the nodes that counted then. Now is this node's
// own count, and of the others what they wrote last, which is at most two minutes
// old.
//
// # What it takes
//
// What is kept is bounded, whatever devices say of themselves. Of an hour there
// are at most 500 owners, the largest first, with at most 16 values of each
// dimension and 4,096 values in all: what is beyond is counted as "other", and
// owners beyond have no history. A series that does not change takes about ten
// bytes an hour, and one that changes every minute 180 at most: for eight days
// that is some 20 MB a node, and at worst 260 MB.
//
// A minute in which no node counted is not known, which is not the same as none.
package headcount
