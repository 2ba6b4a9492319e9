package sim

import (
	"fmt"
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/wire/spark"
)

// Oven is an application to try a cloud with: a barbecue controller that is
// told a pit temperature and drifts towards it. It has a variable of every
// type, a function that fails and one that takes its time.
//
//	function setpitf <°F>   sets the target; returns it, or -1
//	function echo <text>    returns the length of the text
//	function fail           returns -7
//	function wait           returns 0, after 5 s in which the device is deaf
//	function say <text>     publishes the event "said"
//	variable pit            double, °F, where it is
//	variable pitf           int32, °F, where it shall be
//	variable temps          string, both as JSON
//	variable lid            bool, whether it is open
//	event    temps          every interval, as the variable
//	subscribes to           "oven/"
//
// An interval of zero is 10 s.
func Oven(interval time.Duration) Application {
	if interval <= 0 {
		interval = 10 * time.Second
	}
	return Application{
		Functions: []Function{
			{Name: "setpitf", Call: setPit},
			{Name: "echo"},
			{Name: "fail", Call: func(*App, string) int32 { return -7 }},
			{Name: "wait", Takes: 5 * time.Second, Call: func(*App, string) int32 { return 0 }},
			{Name: "say", Call: say},
		},
		Variables: []Variable{
			{Name: "pit", Value: spark.Value{Type: spark.TypeDouble, Double: 72}},
			{Name: "pitf", Value: spark.Value{Type: spark.TypeInt, Int: 225}},
			{Name: "temps", Value: spark.Value{Type: spark.TypeString}, Read: func(app *App) spark.Value {
				return spark.Value{Type: spark.TypeString, Text: temperatures(app)}
			}},
			{Name: "lid", Value: spark.Value{Type: spark.TypeBool}},
		},
		Subscriptions: []Subscription{{Prefix: "oven/"}},
		Periodic: []Periodic{{Every: interval, Event: func(app *App) Event {
			drift(app)
			return Event{Name: "temps", Data: []byte(temperatures(app))}
		}}},
	}
}

func setPit(app *App, argument string) int32 {
	const hottest = 700
	f, err := strconv.Atoi(argument)
	if err != nil || f < 0 || f > hottest {
		return -1
	}
	app.Set("pitf", spark.Value{Type: spark.TypeInt, Int: int32(f)})
	return int32(f)
}

func say(app *App, text string) int32 {
	if !app.Publish(Event{Name: "said", Data: []byte(text)}) {
		return -1
	}
	return 0
}

// drift moves the pit a tenth of the way to its target.
func drift(app *App) {
	pit, target := app.Get("pit"), float64(app.Get("pitf").Int)
	pit.Double += (target - pit.Double) / 10
	app.Set("pit", pit)
}

func temperatures(app *App) string {
	return fmt.Sprintf(`{"pit":%.1f,"target":%d}`, app.Get("pit").Double, app.Get("pitf").Int)
}
