package incident

import (
	"fmt"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Devices try again after one second, five times, then two, four … each five
// times, and from then on every 128 seconds. Their makers wrote that down; no
// cloud can change it.
const (
	retryTimes = 5
	retryMost  = 128 * time.Second
)

// RetryWithin is the longest time that a device waits between two tries when
// it has tried for so long.
func RetryWithin(tried time.Duration) time.Duration {
	wait := time.Second
	for spent := time.Duration(0); wait < retryMost; wait *= 2 {
		spent += retryTimes * wait
		if spent > tried {
			break
		}
	}
	return wait
}

// Advice is what to do and what not, computed from what fails: a sentence
// each, the most urgent first.
func (i *Incident) Advice(now time.Time) []string {
	if i.Status == Resolved {
		return nil
	}
	var list []string
	fails := func(cs ...signal.Capability) bool {
		for _, c := range cs {
			if p := i.Part(c); p != nil && p.Severity() > signal.Operational {
				return true
			}
		}
		return false
	}
	if fails(signal.ConnectTCP, signal.ConnectUDP, signal.Connected) {
		list = append(list, fmt.Sprintf("Do not reset or re-key: devices retry by themselves within %d s.", int(i.retry(now)/time.Second)))
	}
	if fails(signal.Calls, signal.Variables) {
		list = append(list, "A call that failed may have reached the device: read its state before you repeat it.")
	}
	if fails(signal.Events) {
		list = append(list, "Leave event streams open: they go on by themselves.")
	}
	if fails(signal.API) {
		list = append(list, "Do not log out or make new tokens: those you have stay good.")
	}
	if len(list) == 0 && fails(signal.Console) {
		list = append(list, "The API and the command line do what the console does.")
	}
	if i.Status == Monitoring && i.Recovery.Open() > 0 {
		list = append(list, fmt.Sprintf("Do not reset or re-key: devices retry by themselves within %d s; those that stay away are listed by name.", int(i.retry(now)/time.Second)))
	}
	return list
}

// retry is the longest wait that is to be expected: while it lasts, nobody
// knows how long the devices will have tried; afterwards it is known.
func (i *Incident) retry(now time.Time) time.Duration {
	if i.Failing() {
		return retryMost
	}
	return RetryWithin(i.Lasted(now))
}
