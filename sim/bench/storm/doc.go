// Package storm measures how a fleet of devices comes back when all of it knocks
// at once: after an outage of hours, when every device is at the end of its
// back-off, and after a restart that ends every connection on TCP.
//
// Device OS waits 1 s five times, 2 s five times, and so on up to 128 s for
// ever, and spreads nothing: devices that are refused together come again
// together. So each storm is made twice at the same time, against a cloud that
// holds its refusals for a time of chance, as cyan does, and against one that
// refuses at once. Real storms have a hundred thousand devices; here the cloud's
// handshakes are made slow instead, so that some hundreds are too many.
package storm
