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
//	hello ──▶ start-up ──▶ online ◀──▶ silent ──▶ (closed)
//	  │           │           ▲ first valid record
//	  └───────────┴──▶ closed │
//	                       restored
//	                            │
//	          Out: Send, Persist, Publish, Reply, State, Closed …
//
// # What is promised
//
// Nothing that the device may rely on is acknowledged before it is durable.
// A describe or a subscription is answered only when Persisted tells that the
// record which holds it was stored; until then the answer waits in the
// session. A device acts on such an answer for as long as its session lives,
// over restarts of its own and of ours, so an early answer could leave it
// connected and deaf.
//
// No nonce is used twice. The sequence numbers of what we send begin with a
// generation that was taken durably (wire/dtls), and a session whose
// generation runs out stores the next one before it uses it.
//
// The device is answered where its newest authentic record came from.
//
// A session that was restored after a crash is cautious: a record that was
// sent before the crash could be played again by somebody on the path, so
// nothing but answers to our own fresh ping is acted on until one is there.
//
// A session whose start-up did not come to its end in an earlier life is
// reset on first contact: the device starts over within a second, where
// otherwise it would believe for hours that we know what it can do.
package session
