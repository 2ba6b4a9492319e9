// Package census counts on behalf of the status page what only the cloud
// itself can count: how the devices are doing that an incident hit, and how
// often processes of the cloud have started anew.
//
// An incident is over when all devices can be called, so somebody has to say
// how many were hit and how many of them are back. The cloud tells which of
// the devices that it lost are missing; a cloud that was killed has forgotten
// them, so the watchtower remembers how many were connected before, and takes
// what is less for missing.
package census
