// Package fault breaks what a cloud stands on, with real processes and real
// sockets, and looks at what its devices and its callers get of that.
//
// A cloud runs in a process of its own. Virtual devices of every generation
// reach it through relays, [UDP] and [TCP], which are the bad network; callers
// ask every device for an answer again and again, and a [Ledger] compares what
// they were told with what the devices did. Each fault is a row: how long
// until every device answered again, how many never did, and how many answers
// were wrong. The last two have to be 0.
//
//	go test ./test/fault            the rows that take seconds
//	make fault                      all of them; LONG=1: those of minutes too
//	make fault CYAN_DEVICE_OS=DIR   real Device OS takes part
//
// DIR has an executable named cyan-device, which knows three orders:
//
//	cyan-device list                          prints lines: VERSION udp|tcp
//	cyan-device new VERSION udp|tcp STATE     makes keys in the folder STATE, with the public one in
//	                                          STATE/public.pem, and prints the device's id
//	cyan-device run VERSION udp|tcp STATE KEY HOST:PORT
//	                                          runs the device until it is killed; KEY is the cloud's
//	                                          public key in DER. Its function echo returns the length
//	                                          of its argument
package fault
