// Package store is the only room that knows the database.
//
// It keeps accounts, tokens, devices with their keys, the devices' sessions
// and the record of their connection attempts. Methods speak of domain things
// (Claim, Provision, TrustFirstUse), and no transaction leaves the package.
//
// There are two ways in. Doors call methods that take a context and wait.
// Lanes must never wait: SaveSession, DeleteSession, Seen and AddAttempt put
// their row into a bounded queue and return at once. One writer goroutine
// takes whatever is queued, writes it in one transaction, syncs it to the
// disk once, and only then tells the callers: one sync releases up to a
// thousand acknowledgements (see writer.go).
//
// What a session's done callback promises: after nil, the row, or a later one
// of the same device, survives a crash of the process, of the machine and of
// its power. After an error nothing is promised, and the caller must not
// acknowledge to the device. The session row is fenced by its generation:
// see SaveSession.
//
// Tokens and devices that were read are known for a while without another
// look (known.go). What this process changes is forgotten before the change is
// reported: a token that was revoked opens nothing from then on. What another
// process changes is forgotten when the bus says so, and within five seconds
// anyway. While the database cannot be read, what is known is good for five
// minutes: devices that are connected can be called, lists fail.
//
// The SQL is one text for SQLite, which is embedded, and for PostgreSQL;
// package sqlite holds all that is particular to the first.
package store
