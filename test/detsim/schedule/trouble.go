package schedule

import "time"

// Trouble is a kind of fault.
type Trouble string

// trouble is how often a kind of fault happens, compared with others, and how
// long it lasts.
type trouble struct {
	kind        Trouble
	weight      int
	least, most time.Duration
}

const (
	second = time.Second
	minute = time.Minute
)

// troubles are all that can go wrong.
var troubles = []trouble{
	{"kill", 8, 300 * time.Millisecond, 20 * second},
	{"power-cut", 3, second, 40 * second},
	{"kill-twice", 4, 300 * time.Millisecond, 900 * time.Millisecond},
	{"stop", 5, 100 * time.Millisecond, 10 * second},
	{"hand-over", 8, 10 * time.Millisecond, 2 * second},
	{"freeze", 5, 5 * second, 60 * second},
	{"fail-over", 3, 5 * second, 60 * second},
	{"store-slow", 4, 10 * second, 2 * minute},
	{"store-full", 4, 5 * second, 2 * minute},
	{"store-down", 3, 5 * second, 90 * second},
	{"backup", 2, second, 10 * second},
	{"clock", 3, second, 5 * second},
	{"bus-cut", 3, 5 * second, 60 * second},
	{"loss", 5, 20 * second, 3 * minute},
	{"chaos", 5, 20 * second, 3 * minute},
	{"cut", 4, 10 * second, 4 * minute},
	{"one-way", 5, 20 * second, 4 * minute},
	{"mtu", 2, 20 * second, 2 * minute},
	{"rebind", 6, second, 2 * second},
	{"reboot", 5, 100 * time.Millisecond, 20 * second},
	{"long-off", 3, minute, 6 * minute},
	{"twin", 1, 30 * second, 3 * minute},
	{"storm", 2, second, 2 * minute},
	{"replay", 4, second, 5 * second},
	{"owner", 3, second, 30 * second},
}
