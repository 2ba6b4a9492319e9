package sim

import (
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// request handles a request, an event or a ping from the server. On UDP a
// repeated message id gets the old acknowledgement and nothing else; before
// the Hello is acknowledged nothing is heard.
func (d *Device) request(m *coap.Message) {
	kind := spark.ClassifyRequest(m)
	if d.cfg.Transport == TCP && kind == spark.KindHello {
		d.confirm(m)
		d.greeted()
		return
	}
	if d.phase == Greeting {
		return
	}
	if d.cfg.Transport == UDP && m.Type == coap.Confirmable {
		if ack, again := d.talk.received.find(d.now, m.ID); again {
			if ack != nil {
				d.seal(ack)
			}
			return
		}
	}
	switch kind {
	case spark.KindPing:
		d.answerPing(m)
	case spark.KindFunction:
		d.call(m)
	case spark.KindVariable:
		d.read(m)
	case spark.KindDescribe:
		d.describe(m)
	case spark.KindEvent:
		d.event(m)
	case spark.KindSignal:
		d.signal(m)
	case spark.KindKeyChange:
		d.seal(coap.AppendEmpty(nil, coap.Acknowledgement, d.ownID()))
		d.end(endKeyChange)
	}
	// Device OS doesn't even acknowledge what it doesn't know.
}

func (d *Device) answerPing(m *coap.Message) {
	id := m.ID
	if d.cfg.Transport == TCP {
		id = d.ownID()
	}
	d.reply(m, coap.AppendEmpty(nil, coap.Acknowledgement, id))
}

// signal shows the rainbow, or stops showing it.
func (d *Device) signal(m *coap.Message) {
	on, err := spark.ParseSignal(m)
	if err != nil {
		return
	}
	d.light.signalling = on
	answered := *m
	if d.cfg.Transport == TCP {
		answered.ID = d.ownID()
	}
	d.reply(m, coap.AppendPiggyback(nil, &answered, coap.Changed, nil))
}

// call calls a function: acknowledged at once, answered when it returns. One
// that doesn't exist is never answered.
func (d *Device) call(m *coap.Message) {
	if len(m.Token) != 1 {
		d.end(endToken)
		return
	}
	call, err := spark.ParseFunction(m)
	if err != nil {
		return
	}
	limit := d.limits.FunctionArg
	tooLong := len(call.Argument) > limit
	if tooLong {
		// Refused, and called all the same with what fits.
		call.Argument = call.Argument[:limit]
		d.reply(m, coap.AppendPiggyback(nil, m, coap.BadRequest, nil))
	} else {
		d.confirm(m)
	}
	f, ok := d.cfg.Application.function(call.Name)
	if !ok || d.safeMode {
		d.note(Info, "function %s is not here", call.Name)
		return
	}
	d.note(Info, "function %s(%q)", call.Name, call.Argument)
	takes := f.Takes
	if takes == 0 && d.cfg.Behaviour == Blocks {
		takes = d.cfg.Delay
	}
	run := func() {
		result := int32(len(call.Argument))
		if f.Call != nil {
			result = f.Call(&App{d}, call.Argument)
		}
		if !tooLong {
			d.respond(func() { d.sayResult(call.Token, result) })
		}
	}
	if takes == 0 {
		run()
		return
	}
	d.running = &running{since: d.now, until: d.now.Add(takes), done: run, link: d.talk.link}
}

func (d *Device) sayResult(token byte, result int32) {
	t := ordinary(d.cfg.Transport)
	d.say(t, func(id uint16) ([]byte, error) {
		return spark.AppendFunctionResult(nil, t, id, token, result)
	}, pending{})
}

// read answers with the value of a variable, or 4.04. Before 1.5 it comes in
// the acknowledgement.
func (d *Device) read(m *coap.Message) {
	if len(m.Token) != 1 {
		d.end(endToken)
		return
	}
	token, name, err := spark.ParseVariable(m)
	if err != nil {
		return
	}
	code, payload := coap.NotFound, []byte(nil)
	variable, ok := d.cfg.Application.variable(name)
	if ok && !d.safeMode {
		value := d.values[name]
		if variable.Read != nil {
			value = variable.Read(&App{d})
		}
		code, payload = coap.Content, spark.EncodeValue(nil, value)
		payload = payload[:min(len(payload), d.limits.VariableValue)]
	}
	if d.cfg.Profile.Piggyback {
		d.reply(m, coap.AppendPiggyback(nil, m, code, payload))
		return
	}
	d.confirm(m)
	t := ordinary(d.cfg.Transport)
	d.respond(func() {
		d.say(t, func(id uint16) ([]byte, error) {
			b := coap.Begin(nil, t, code, id, []byte{token})
			b.Payload(payload)
			return b.Bytes()
		}, pending{})
	})
}

// respond sends an answer: at once, late, or never, as the device behaves.
func (d *Device) respond(send func()) {
	switch d.cfg.Behaviour {
	case AckThenHang:
	case Slow:
		d.later = append(d.later, later{d.now.Add(d.cfg.Delay), send})
	default:
		send()
	}
}

// later is an answer that is not sent yet.
type later struct {
	at   time.Time
	send func()
}

func (d *Device) sendLater() {
	for len(d.later) > 0 && d.passed(d.later[0].at) {
		send := d.later[0].send
		d.later = d.later[1:]
		send()
	}
}

// running is a function that keeps the application busy. The device hears
// nothing meanwhile; what comes waits in the socket's buffer.
type running struct {
	since, until time.Time
	done         func()
	link         link // on which the call came
	held         []Input
	size         int
}

// heldBytes bounds what waits in the buffer of a UDP socket, more is lost.
const heldBytes = 64 << 10

// hold keeps an input for later. A device can't hold back its power.
func (r *running) hold(in Input) bool {
	switch in := in.(type) {
	case PowerOn, PowerOff:
		return false
	case Tick:
		return true
	case Received:
		if _, stream := r.link.(*streamLink); !stream && r.size > heldBytes {
			return true
		}
		r.size += len(in.Data)
		r.held = append(r.held, Received{append([]byte(nil), in.Data...)})
	default:
		r.held = append(r.held, in)
	}
	return true
}

// busyLimit is how long a TCP device may be without a turn of its loop.
const busyLimit = 15 * time.Second

// finishRunning lets a function return whose time has come, and then hears
// all that came meanwhile.
func (d *Device) finishRunning() {
	for d.running != nil && d.passed(d.running.until) {
		r := d.running
		d.running = nil
		if d.talk.link == r.link {
			r.done()
		}
		if d.cfg.Transport == TCP && r.until.Sub(r.since) >= busyLimit {
			d.end(endBlocked)
			continue
		}
		for i, in := range r.held {
			if d.running != nil { // the next call blocks as well
				d.running.held = append(d.running.held, r.held[i:]...)
				break
			}
			d.take(in)
		}
	}
}
