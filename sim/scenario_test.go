package sim_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/sim/simtest"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/dtls"
	"github.com/cyan-cloud/cyan/wire/spark"
)

var update = flag.Bool("update", false, "rewrite the traces of testdata")

// Each story of testdata has a script and the trace of what its device shows,
// notes, sends and hears. The commands are those of the table below.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	must(t, err)
	if len(files) < 10 {
		t.Fatalf("only %d stories were found", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			must(t, err)
			if len(archive.Files) != 2 || archive.Files[0].Name != "script" || archive.Files[1].Name != "trace" {
				t.Fatal("a story is a script and a trace")
			}
			got := tell(t, string(archive.Files[0].Data))
			if *update {
				archive.Files[1].Data = []byte(got)
				must(t, os.WriteFile(file, txtar.Format(archive), 0o644))
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("trace (-want +got):\n%s", diff)
			}
		})
	}
}

// tell plays a script and returns the trace.
func tell(t *testing.T, script string) string {
	t.Helper()
	var w *world
	var before string // of the devices before this one
	for line := range strings.Lines(script) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if words[0] == "device" {
			if w != nil {
				before += w.trace.String()
			}
			w = newWorld(t, scripted(t, words[1:]))
			fmt.Fprintf(&w.trace, "$ %s\n", strings.Join(words, " "))
			continue
		}
		command, ok := commands[words[0]]
		if !ok {
			t.Fatalf("no command %q", words[0])
		}
		if w == nil {
			t.Fatal("the script has no device")
		}
		fmt.Fprintf(&w.trace, "$ %s\n", strings.Join(words, " "))
		command(w, words[1:])
	}
	return before + w.trace.String()
}

// scripted is the device of a script: "device udp os-6.2 slow 3s quiet". A
// quiet one doesn't note its messages.
func scripted(t *testing.T, words []string) sim.Config {
	t.Helper()
	transport := sim.UDP
	if words[0] == "tcp" {
		transport = sim.TCP
	}
	cfg := simtest.Config(t, transport, words[1])
	cfg.Application = plain()
	for _, word := range words[2:] {
		behaviour, notBehaviour := sim.ParseBehaviour(word)
		delay, notDelay := time.ParseDuration(word)
		switch {
		case notBehaviour == nil:
			cfg.Behaviour = behaviour
		case notDelay == nil:
			cfg.Delay = delay
		case word == "quiet":
			cfg.Trace = false
		case word == "cellular":
			cfg.KeepAlive = sim.Cellular
		default:
			t.Fatalf("device: what is %q?", word)
		}
	}
	return cfg
}

// plain is an application with little to say.
func plain() sim.Application {
	return sim.Application{
		Functions: []sim.Function{
			{Name: "echo"},
			{Name: "long", Takes: 40 * time.Second, Call: func(*sim.App, string) int32 { return -1 }},
		},
		Variables:     []sim.Variable{{Name: "n", Value: spark.Value{Type: spark.TypeInt, Int: 42}}},
		Subscriptions: []sim.Subscription{{Prefix: "news/"}},
	}
}

// commands are what a script can say.
var commands = map[string]func(w *world, args []string){
	"on":      func(w *world, _ []string) { w.do(sim.PowerOn{}) },
	"off":     func(w *world, _ []string) { w.do(sim.PowerOff{}) },
	"network": network,
	"run":     func(w *world, args []string) { w.run(duration(w, args[0])) },
	"restart": func(w *world, _ []string) {
		w.do(sim.PowerOff{})
		w.cfg.Memory = w.device.Memory()
		w.device = w.newDevice()
		w.do(sim.PowerOn{})
	},
	"cloud":   func(w *world, args []string) { manners(w, args) },
	"records": func(w *world, _ []string) { w.printf("records: %v", w.cloud.Records); w.cloud.Records = nil },
	"publish": func(w *world, args []string) {
		w.do(sim.Publish{Event: sim.Event{Name: args[0], Data: []byte(args[1])}})
	},
	"leave":   func(w *world, args []string) { w.do(sim.Disconnect{Graceful: len(args) > 0}) },
	"connect": func(w *world, _ []string) { w.do(sim.Connect{}) },
	"call":    call,
	"read": func(w *world, args []string) {
		ask(w)(spark.AppendVariable(nil, w.cloud.NextID(w.now), w.cloud.NextToken(), args[0]))
	},
	"ping": func(w *world, _ []string) { w.ask(spark.AppendPing(nil, w.cloud.NextID(w.now))) },
	"signal": func(w *world, args []string) {
		w.ask(spark.AppendSignal(nil, w.cloud.NextID(w.now), w.cloud.NextToken(), args[0] == "on"))
	},
	"newkeys": func(w *world, _ []string) {
		w.ask(spark.AppendKeyChange(nil, w.cloud.NextID(w.now), w.cloud.NextToken()))
	},
	"reset":    func(w *world, _ []string) { w.ask(coap.AppendEmpty(nil, coap.Reset, 1)) },
	"alert":    alert,
	"event":    event,
	"describe": describe,
	"raw":      raw,
	"again":    func(w *world, _ []string) { w.ask(w.last) },
	"hangup":   func(w *world, _ []string) { w.do(sim.Closed{}) },
}

func network(w *world, args []string) {
	if args[0] == "down" {
		w.do(sim.NetworkDown{})
	} else {
		w.do(sim.NetworkUp{})
	}
}

// manners changes the cloud: "cloud mute", "cloud polite", "cloud silent-about h".
func manners(w *world, args []string) {
	c := w.cloud
	switch args[0] {
	case "gone":
		c.Gone = true
	case "no-internet":
		c.Gone, w.offline = true, true
	case "mute":
		c.Mute = true
	case "forgets":
		c.Forget()
	case "no-cid":
		c.NoCID = true
	case "strangers":
		c.Strangers = true
	case "silent-about":
		c.SilentAbout[args[1]] = true
	case "polite":
		c.Gone, c.Mute, c.NoCID, c.Strangers = false, false, false, false
		clear(c.SilentAbout)
	default:
		w.t.Fatalf("cloud: what is %q?", args[0])
	}
}

func call(w *world, args []string) {
	argument := strings.Join(args[1:], " ")
	ask(w)(spark.AppendFunction(nil, w.cloud.NextID(w.now), w.cloud.NextToken(), args[0], argument))
}

func event(w *world, args []string) {
	e := &spark.Event{Name: args[0], Data: []byte(strings.Join(args[1:], " ")), HasData: len(args) > 1}
	ask(w)(spark.AppendEvent(nil, coap.Confirmable, w.cloud.NextID(w.now), e, spark.EventLayout{}))
}

func describe(w *world, args []string) {
	b := coap.Begin(nil, coap.Confirmable, coap.GET, w.cloud.NextID(w.now), []byte{w.cloud.NextToken()})
	b.Text(coap.URIPath, "d")
	if len(args) > 0 {
		flags, err := hex.DecodeString(args[0])
		must(w.t, err)
		b.Option(coap.URIQuery, flags)
	}
	ask(w)(b.Bytes())
}

// alert sends an alert on the session: "alert 1 0" is close_notify.
func alert(w *world, args []string) {
	level, description := dtls.Warning, dtls.CloseNotify
	if args[0] == "fatal" {
		level, description = dtls.Fatal, dtls.InternalError
	}
	w.do(sim.Received{Data: w.cloud.Alert(level, description)})
}

// raw sends a message as it stands, in hex, whatever it is.
func raw(w *world, args []string) {
	b, err := hex.DecodeString(strings.Join(args, ""))
	must(w.t, err)
	w.last = b
	w.ask(b)
}

func ask(w *world) func([]byte, error) {
	return func(b []byte, err error) {
		w.t.Helper()
		must(w.t, err)
		w.last = b
		w.ask(b)
	}
}

func duration(w *world, text string) time.Duration {
	w.t.Helper()
	d, err := time.ParseDuration(text)
	must(w.t, err)
	return d
}
