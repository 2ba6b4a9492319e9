package sim

import (
	"time"

	"github.com/cyan-cloud/cyan/wire/spark"
)

// Application is what runs on a device beside Device OS. Several devices may
// share one: what is a device's own is reached through App.
type Application struct {
	Functions     []Function
	Variables     []Variable
	Subscriptions []Subscription
	Periodic      []Periodic
	OnConnect     func(*App) // runs whenever the device has connected; nil: nothing
}

// Function is something that the device can be asked to do.
type Function struct {
	Name  string
	Takes time.Duration                         // how long it keeps the device busy, and deaf; zero: not at all
	Call  func(app *App, argument string) int32 // nil: returns the length of the argument
}

// Variable is something that it can be asked for.
type Variable struct {
	Name  string
	Value spark.Value                // its type, and its value until Set
	Read  func(app *App) spark.Value // nil: what was Set last
}

// Subscription is a wish to get events. Every generation has the system's own
// two, for "spark" and "particle".
type Subscription struct {
	Prefix string
	All    bool                                     // of all devices, not only of the owner's; generations with scopes only
	Handle func(app *App, name string, data []byte) // nil: the event goes into the log
}

// Periodic is an event that is published again and again while connected.
type Periodic struct {
	Every time.Duration
	Event func(app *App) Event
}

// Ack says whether an event asks for an acknowledgement.
type Ack uint8

// The choices that an application has.
const (
	UsualAck Ack = iota // yes on UDP, no on TCP
	WithAck
	NoAck
)

// Event is what an application publishes.
type Event struct {
	Name          string
	Data          []byte // nil: no data, which isn't the same as empty data
	TTL           uint32 // seconds; zero: 60, which goes without saying
	Public        bool   // generations that know public events only
	ContentFormat uint16 // newest generation only; zero: text
	Ack           Ack
}

// App is what application code sees of its device while it runs.
type App struct{ d *Device }

// Now is the device's clock.
func (a *App) Now() time.Time { return a.d.now }

// ID is the device's identity.
func (a *App) ID() ID { return a.d.cfg.ID }

// Publish publishes an event. It reports false if the device is not connected
// or has published four events within the last second.
func (a *App) Publish(e Event) bool { return a.d.publish(e) }

// Set changes a variable.
func (a *App) Set(name string, v spark.Value) { a.d.values[name] = v }

// Get returns what a variable was Set to last, or its first value.
func (a *App) Get(name string) spark.Value { return a.d.values[name] }

// Vitals sends the device's metrics to the cloud.
func (a *App) Vitals() bool { return a.d.vitals() }

// Random returns a number below n, from the device's own chance.
func (a *App) Random(n int) int { return a.d.random.IntN(n) }

func (app *Application) function(name string) (Function, bool) {
	for _, f := range app.Functions {
		if f.Name == name {
			return f, true
		}
	}
	return Function{}, false
}

func (app *Application) variable(name string) (Variable, bool) {
	for _, v := range app.Variables {
		if v.Name == name {
			return v, true
		}
	}
	return Variable{}, false
}
