package fault

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"sync"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// Function is what is called on devices.
const Function = "work"

// Ledger knows what devices did, and compares with it what callers were told.
// Every call has an argument of its own, and every device another answer to
// it.
type Ledger struct {
	mu    sync.Mutex
	ran   map[work]int // guarded by mu; how often
	calls int          // guarded by mu; that were made
	erred int          // guarded by mu; that ended with an honest error
	wrong []string     // guarded by mu
}

type work struct{ device, argument string }

// NewLedger returns one in which nothing is written.
func NewLedger() *Ledger { return &Ledger{ran: map[work]int{}} }

// Application is what devices run: it writes into the ledger what it does.
func (l *Ledger) Application() sim.Application {
	return sim.Application{Functions: []sim.Function{{Name: Function, Call: func(app *sim.App, argument string) int32 {
		return l.Run(app.ID().String(), argument)
	}}}}
}

// Run is a device that does its work.
func (l *Ledger) Run(device, argument string) int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := work{device, argument}
	if l.ran[w]++; l.ran[w] == 2 {
		l.wrong = append(l.wrong, fmt.Sprintf("%s did %s twice", device, argument))
	}
	return answer(device, argument)
}

// answer is what a device returns.
func answer(device, argument string) int32 {
	h := fnv.New32a()
	fmt.Fprint(h, device, "/", argument)
	return int32(h.Sum32())
}

// Told writes down what a caller was told about a call, and tells whether the
// device answered it.
func (l *Ledger) Told(device, argument string, result int32, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if err != nil {
		l.erred++
		if e, ok := errors.AsType[*client.Error](err); ok && (e.Status == http.StatusUnauthorized || e.Body.Code == rest.CodeTokenInvalid) {
			l.wrong = append(l.wrong, fmt.Sprintf("a good token was called bad: %d %v", e.Status, err))
		}
		return false
	}
	switch {
	case result != answer(device, argument):
		l.wrong = append(l.wrong, fmt.Sprintf("%s(%s) was answered with %d, which is another's", device, argument, result))
	case l.ran[work{device, argument}] == 0:
		l.wrong = append(l.wrong, fmt.Sprintf("%s(%s) was answered and has never run", device, argument))
	}
	return true
}

// Wrong writes down another lie.
func (l *Ledger) Wrong(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

// Sum gives the calls, those that ended with an honest error, and the wrong
// answers, one sentence each.
func (l *Ledger) Sum() (calls, erred int, wrong []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls, l.erred, append([]string(nil), l.wrong...)
}

// deviceSilent tells whether a call failed because the device did not take it:
// what is shown of the device has to fit that.
func deviceSilent(err error) bool {
	e, ok := errors.AsType[*client.Error](err)
	return ok && (e.Body.Code == rest.CodeSentNoAck || e.Body.Code == rest.CodeNotConnected)
}
