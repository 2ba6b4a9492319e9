// Package handover is what two processes of one cloud say to each other while
// the newer takes the place of the older, so that no device notices.
//
//	older                                             newer
//	                                    ◀── Hello     what it speaks
//	Offer, Sockets ──▶                                what is listened on, as file descriptors
//	                                                  opens its rooms, and begins nothing
//	                                    ◀── Ready
//	Ahead … ──▶                                       takes connections up as they are just then
//	stops reading and writing
//	Gone …, Session …, Stream …,                      takes up what has changed since, and the rest,
//	Memory …, State …, End ──▶                        and sends nothing
//	                                                  passes the Gate: from here on it serves
//	                                    ◀── Serving
//	Call …, Event …, Connection … ──▶   ◀── Answer …  what came to the older and was not done
//	Bye ──▶
//
// It goes over a socket of the data folder, which is the owner's alone; both
// ends look at who the other is. A message is one packet with a kind, a version
// and at most MaxBody bytes, and it may carry file descriptors.
//
// # Never both, never neither
//
// Until the gate is passed every failure has one end: the older goes on as if
// nothing had been, and the newer ends without having sent a byte to a device.
// What is passed over a socket cannot decide that, because the last message may
// be lost. The Gate does: a word of memory that both processes see, which the
// newer sets to "passed" and the older to "shut", and the first one wins.
package handover
