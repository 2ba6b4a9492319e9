// Package bench measures a cloud from outside: what a handshake, an idle
// device, a call, an event and an open stream cost the process that serves
// them.
//
// The cloud is a child process of its own, started and watched by Server, with
// an empty data folder and free ports on loopback; the load comes from the
// process that measures. What a handshake costs the server is the processor
// time of that child, as the kernel counts it, not the time that passes here.
// What is compared is measured in turns within one run, because the same
// cryptography costs a third more when the machine is busy.
//
// The devices are those of package crowd.
//
// Each benchmark is a Config with a Run method and a result that says what was
// run. All of them are bounded in time, and stop when their context ends.
package bench
