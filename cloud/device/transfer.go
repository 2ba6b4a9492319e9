package device

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
)

// Transfer is somebody's wish to have another's device.
type Transfer struct {
	ID      string // 24 hex digits
	Device  ID
	Name    string // of the device, for its owner
	Owner   account.ID
	Wants   account.ID // who asks for it
	Asker   string     // his username
	Created time.Time
	Expires time.Time
}

// TransferLife is how long an owner has to answer.
const TransferLife = 14 * 24 * time.Hour
