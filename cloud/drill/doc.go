// Package drill is an ingress that only canaries use, and that can be broken on
// purpose: whether an outage would be noticed is known only by having one.
//
//	canaries ─▶ drill ports ─▶ a relay, where it breaks ─▶ the devices' own ports
//	devices  ────────────────────────────────────────────▶ the devices' own ports
//
// Behind the relay everything is what devices meet. While it is broken those who
// come anew get no answer, as on the day when the service behind a load balancer
// hangs; who is connected goes on. No device knows the ports, so none is
// disturbed. A drill ends by itself at the time that was said at its beginning,
// whatever becomes of who began it, and ends with the process.
package drill
