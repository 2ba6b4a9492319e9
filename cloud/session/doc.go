// Package session is one device's conversation with the cloud, as a state
// machine without a goroutine, a socket, a clock or a logger.
//
// A Session is made when a handshake is done, or from the Record of an
// earlier life. From then on its owner, a gateway lane, feeds it: packets as
// they came off the wire, calls from people, events for the device, answers
// of the store, and the time. Each Step gives back what is to be done: bytes
// to send, events to publish, answers to calls, a record to store.
//
//	          In: Packet, Call, Deliver, Persisted, Tick …
//	                            │
//	hello ──▶ start-up ──▶ established ◀──▶ away ──▶ (replaced)
//	  │           │           ▲
//	  └───────────┴──▶ closed │ first record, after a crash the first fresh answer
//	                       restored ──▶ told to start over, if its start-up was cut short
//	                            │
//	          Out: Send, Persist, Publish, Reply, State, Closed …
//
// # What is promised
//
// Nothing that the device may rely on is acknowledged before it is durable.
// A Hello, a describe or a subscription is answered only when Persisted tells
// that the record which holds it was stored; until then the answer waits in
// the session. A device acts on such an answer for as long as its session
// lives, over restarts of its own and of ours, so an early answer could leave
// it connected and deaf. Everything else is answered at once, and again when it
// is repeated, because a device on UDP is not connected until all is.
//
// No nonce is used twice. The sequence numbers of what we send begin with a
// generation that was taken durably (wire/dtls), and a session whose
// generation runs out stores the next one before it uses it. Message ids keep
// clear of those of an earlier life, and the token of a call that was given up
// of everybody else, so that no late answer is taken for another.
//
// The device is answered where its newest authentic record came from. It is
// online only when it has said Hello or spoken within a restored session, and
// proven to hear us only when it answered us, or did not repeat what we
// acknowledged.
//
// A session that was restored after a crash is cautious: a record that was
// sent before the crash could be played again by somebody on the path, so
// nothing but answers to our own fresh ping is acted on until one is there.
//
// A session whose start-up did not come to its end in an earlier life is
// reset on first contact: the device starts over within a second, where
// otherwise it would believe for hours that we know what it can do.
package session
