// Package dense holds very many small things in little memory. A map of the
// language keeps between an eighth and a half of its places free, and of each
// table of a thousand that grew a moment ago more than half; with a million
// devices that is more than what is in the map. Here entries lie one behind the
// other, and an index finds them, with four bytes for each and a fifth to a
// third of its places free.
//
// Nothing here is safe for use by several goroutines at once, unless all of them
// only read.
package dense
