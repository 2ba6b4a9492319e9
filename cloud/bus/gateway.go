package bus

import (
	"context"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
)

// Gateway is what a node that holds devices offers to the others. Its
// methods are called from many goroutines.
type Gateway interface {
	// Call performs c on a device that this node holds and gives back its
	// result, an error of cloud/fault, or ctx's error as soon as ctx ends: the
	// caller has gone, and what was not sent must not be sent any more. The
	// result's State and Stage count even with an error. The bus recovers
	// panics.
	Call(ctx context.Context, c Call) (Result, error)

	// States puts into the map what this node knows of the devices: those it
	// holds, and those that it saw fail or leave lately. It leaves out the
	// rest, and does not block.
	States(ids []device.ID, into map[device.ID]device.State)

	// Changed says that the device has another owner (empty: none) or, if key
	// is true, another key, whether this node holds it or not. It does not
	// block.
	Changed(id device.ID, owner account.ID, key bool)
}
