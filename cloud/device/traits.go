package device

import (
	"fmt"

	"github.com/cyan-cloud/cyan/cloud/account"
)

// Traits is what devices are counted by. What a device has not said is zero.
type Traits struct {
	Owner     account.ID // empty: nobody has claimed it
	Transport string     // "udp" or "tcp"
	Product   uint16
	Firmware  uint16 // version of the product's firmware
	System    uint16 // system module version
}

// Headcount counts devices that have a session, each once.
type Headcount struct {
	Online int // it works
	Limbo  int // it does not answer
	// Unheard were taken up behind a crash, and the device has not been heard
	// since: nobody knows whether it is there.
	Unheard int
}

// Connected is how many are connected, as State.Connected says it of one.
func (h Headcount) Connected() int { return h.Online + h.Limbo }

// Add adds another count.
func (h *Headcount) Add(o Headcount) {
	h.Online += o.Online
	h.Limbo += o.Limbo
	h.Unheard += o.Unheard
}

// SystemVersion is the version of Device OS that a device runs, as far as the
// number in its Hello tells: 6200 is 6.2.0; the last two digits count previews,
// too, so that of 3301 no more than 3.3 is known. Before 3.0 there was none.
func SystemVersion(module uint16) string {
	switch {
	case module == 0:
		return ""
	case module%100 == 0:
		return fmt.Sprintf("%d.%d.0", module/1000, module/100%10)
	default:
		return fmt.Sprintf("%d.%d", module/1000, module/100%10)
	}
}
