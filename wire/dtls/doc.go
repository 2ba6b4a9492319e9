// Package dtls is DTLS 1.2 as the devices speak it that Device OS runs on, both sides of it: one cipher suite
// (ECDHE-ECDSA-AES128-CCM-8), one curve (P-256), raw public keys, no server Certificate, and connection ids by the draft
// that became RFC 9146. It is a state machine over byte slices: it opens no socket, starts no goroutine, reads no clock and
// draws no randomness. Those are arguments.
//
// A connection begins with a ClientHello, of which nothing is remembered until its cookie comes back:
//
//	reply, hello, err := config.Greet(now, peer, cookies, datagram, nil)   // hello == nil: send reply, forget
//
// With the hello a handshake begins. What it returns is sent, what it asks for is done:
//
//	h, flight, err := dtls.NewServerHandshake(config, now, hello, cid, random)
//	out, err := h.Receive(now, datagram)                                  // send out.Send, whatever err is
//	resend, err := h.Tick(now)                                            // at h.Deadline()
//
// When out.Verified comes, the client has proven the key that PeerKey returns, and nothing has told it so. The caller makes
// SessionPreview durable, and only then lets the client believe that it is connected:
//
//	flight, session, err := h.Finish(now)
//
// That order is the package's promise: a device never holds a session that its cloud could have lost. A device resumes its
// session without asking, for days, and nothing that is not encrypted reaches it; a server without the keys is mute.
//
// From there on a Session is a plain value. Records are parsed without keys, found by connection id, device id or address,
// and opened:
//
//	r, rest, err := dtls.ParseRecord(datagram)
//	kind, plaintext, err := session.Open(buf[:0], r)                      // only now may the peer's address be believed
//	datagram, err = session.Seal(buf[:0], dtls.ApplicationData, plaintext)
//
// A nonce is never used twice, also not by a process that crashed or by two that hold the same backup: the upper 30 bits of
// the sequence are a generation, which a process takes durably when it adopts a session (NextGeneration, SetGeneration).
//
// A device's side is ClientHandshake, and Session.Resume for a device that comes back.
//
// Only an *AlertError ends a handshake; whatever else is wrong with a datagram drops that datagram. An established session
// is ended by nothing that is not sealed with its keys. There is no renegotiation.
//
// DESIGN.md beside this file says why things are as they are. Sources: RFC 6347 (DTLS 1.2), RFC 5246 (TLS 1.2), RFC 8422
// (its elliptic curves), RFC 7250 (raw public keys), RFC 6655 and RFC 7251 (CCM-8), RFC 9146 and
// draft-ietf-tls-dtls-connection-id-05 (connection ids), and recordings of Device OS 2.3.1 and 6.2.0.
package dtls
