// Package doctor says why a device cannot be reached: one verdict, whose fault
// it is, what shows that, and what to do next.
//
// Diagnose is a pure function of what the cloud knows. It goes from the
// outside in and stops at the first thing that explains what is seen: is it the
// cloud itself, is the device known, does it say that it sleeps, what does its
// session do, what became of its last attempts. The cloud comes first, because
// a fault of ours looks like one of the network, or of the keys, from almost
// everywhere else; a verdict that blames somebody for what we did is worse
// than none.
//
//	cloud ─▶ registered? ─▶ asleep? ─▶ session: proven, in limbo, one-way ─▶ attempts ─▶ its neighbours ─▶ silence
package doctor
