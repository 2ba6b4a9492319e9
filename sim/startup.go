package sim

import (
	"strconv"
	"time"

	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// established is called when the handshake is done.
func (d *Device) established() {
	d.note(Info, "handshake done")
	d.kept = true
	if d.cfg.Behaviour == Silent {
		d.enter(Greeting, ledHandshake)
		return
	}
	d.hello()
}

// hello introduces the device. On UDP it waits for the acknowledgement; on TCP
// for the server's Hello.
func (d *Device) hello() {
	d.enter(Greeting, ledHandshake)
	h := d.cfg.Profile.hello(&d.cfg)
	t := ordinary(d.cfg.Transport)
	d.say(t, func(id uint16) ([]byte, error) { return spark.AppendHello(nil, t, id, &h) },
		pending{purpose: forHello, digest: d.helloDigest()})
	if d.cfg.Transport == TCP {
		d.wake = d.now.Add(helloTimeout)
	}
}

// greeted is called when the Hello was answered: now the server may hear about
// the device, in the order of its generation.
func (d *Device) greeted() {
	if d.phase != Greeting {
		return
	}
	d.enter(Starting, ledHandshake)
	d.talk.ping.start(d.now)
	p := &d.cfg.Profile
	if p.describes() {
		d.describeSystem(true)
	}
	if p.TimeFirst {
		d.askTime()
	}
	if p.HardwareEvents {
		d.sayHardware()
	}
	if p.describes() {
		d.sayFlags()
	}
	if !p.TimeFirst {
		d.askTime()
	}
	if d.setup {
		d.register(true)
	}
	d.started()
}

// resumed begins a resumed session: a ping instead of the Hello, if the server
// knows the device as it is.
func (d *Device) resumed() {
	m, p := d.memory, &d.cfg.Profile
	known := m.Hello == d.helloDigest()
	if p.describes() {
		known = known && m.System == d.systemDigest()
	} else {
		known = known && m.Subscriptions == d.subscriptionsDigest() && m.Application == d.applicationDigest()
	}
	if !known {
		d.hello()
		return
	}
	d.enter(Starting, ledHandshake)
	d.talk.ping.start(d.now)
	d.sendPing(true)
	if p.describes() {
		d.sayFlags()
	}
	if d.setup {
		d.register(true)
	}
	d.started()
}

// started looks whether the start-up is complete. Generations that await it
// are connected only when the server has acknowledged all of it.
func (d *Device) started() {
	if d.phase != Starting {
		return
	}
	if d.cfg.Profile.AwaitsStartup && d.cfg.Transport == UDP {
		for _, p := range d.talk.pending {
			if p.startup {
				return
			}
		}
	}
	d.connected()
}

func (d *Device) connected() {
	d.failures = 0
	d.enter(Connected, ledConnected)
	d.note(Info, "connected")
	if !d.setup {
		d.setup = true
		d.register(false)
	}
	if d.safeMode {
		d.publish(Event{Name: spark.EventSafeMode, Data: d.systemPayload()})
		return
	}
	for i, periodic := range d.cfg.Application.Periodic {
		d.due[i] = d.now.Add(periodic.Every)
	}
	if f := d.cfg.Application.OnConnect; f != nil {
		f(&App{d})
	}
}

// register tells the server what the application offers and wants, unless it
// knows already. Before 2.0 a server has to ask what is offered.
func (d *Device) register(startup bool) {
	known := d.memory
	if known == nil {
		known = &memory{}
	}
	if digest := d.applicationDigest(); d.cfg.Profile.describes() && known.Application != digest {
		d.describeApplication(startup)
	} else if !d.cfg.Profile.describes() {
		known.Application = digest
	}
	if known.Subscriptions != d.subscriptionsDigest() {
		d.subscribe(startup)
	}
}

// settle is called when a message was acknowledged; ok tells whether with
// success. What the server knows now is remembered.
func (d *Device) settle(p pending, ok bool) {
	if m := d.memory; m != nil && ok && p.last() {
		switch p.purpose {
		case forHello:
			m.Hello = p.digest
		case forSystem:
			m.System = p.digest
		case forApplication:
			m.Application = p.digest
		case forSubscription:
			if !d.waitsFor(forSubscription) {
				m.Subscriptions = p.digest
			}
		}
	}
	if !p.last() {
		d.nextBlock(p)
	}
	if p.purpose == forHello && d.cfg.Transport == UDP {
		d.greeted()
	}
	d.started()
	d.leftIfQuiet()
}

// waitsFor reports whether a message of that purpose is unacknowledged.
func (d *Device) waitsFor(purpose purpose) bool {
	for _, p := range d.talk.pending {
		if p.purpose == purpose {
			return true
		}
	}
	return false
}

// askTime asks for the time. It asks for an acknowledgement on TCP too.
func (d *Device) askTime() {
	token := d.talk.nextToken()
	d.say(coap.Confirmable, func(id uint16) ([]byte, error) {
		return spark.AppendTimeRequest(nil, id, token), nil
	}, pending{purpose: forTime, startup: true})
}

// sayFlags tells the server whether the device takes updates.
func (d *Device) sayFlags() {
	d.sayEvent(Event{Name: spark.EventUpdatesEnabled, Data: []byte("true")}, true)
	d.sayEvent(Event{Name: spark.EventUpdatesForced, Data: []byte("false")}, true)
}

// sayHardware tells what newer generations say in their Hello.
func (d *Device) sayHardware() {
	d.sayEvent(Event{Name: spark.EventMaxBinary, Data: strconv.AppendInt(nil, oldBinary, 10)}, true)
	if d.cfg.Transport == TCP {
		d.sayEvent(Event{Name: spark.EventChunkSize, Data: strconv.AppendInt(nil, chunkSize, 10)}, true)
	}
}

// subscriptions are the system's and the application's.
func (d *Device) subscriptions() []spark.Subscription {
	all := []spark.Subscription{{Prefix: "particle"}, {Prefix: "spark"}}
	if d.safeMode {
		return all
	}
	for _, s := range d.cfg.Application.Subscriptions {
		scope := spark.ScopeMine
		if s.All {
			scope = spark.ScopeAll
		}
		all = append(all, spark.Subscription{Prefix: s.Prefix, Scope: scope})
	}
	return all
}

func (d *Device) subscriptionsDigest() uint32 { return spark.SubscriptionsChecksum(d.subscriptions()) }

func (d *Device) subscribe(startup bool) {
	t := d.cfg.Profile.subscribing(d.cfg.Transport)
	digest := d.subscriptionsDigest()
	for _, s := range d.subscriptions() {
		d.say(t, func(id uint16) ([]byte, error) {
			return spark.AppendSubscription(nil, t, id, &s, d.cfg.Profile.SystemVersion)
		}, pending{purpose: forSubscription, startup: startup, digest: digest})
	}
}

// sendPing asks whether the server is there. One of a start-up has to be
// answered before the device counts as connected.
func (d *Device) sendPing(startup bool) {
	d.say(coap.Confirmable, func(id uint16) ([]byte, error) {
		return spark.AppendPing(nil, id), nil
	}, pending{startup: startup})
}

// sayGoodbye takes leave: to sleep, or because the application wants it.
func (d *Device) sayGoodbye(sleep time.Duration) {
	const user, sleeps = 2, 6
	g := spark.Goodbye{Flags: spark.GoodbyeCloudReason, CloudReason: user}
	if sleep > 0 {
		g = spark.Goodbye{
			Flags: spark.GoodbyeCloudReason | spark.GoodbyeSleep, CloudReason: sleeps, SleepSeconds: uint32(sleep / time.Second),
		}
	}
	t := ordinary(d.cfg.Transport)
	d.say(t, func(id uint16) ([]byte, error) { return spark.AppendGoodbye(nil, t, id, &g) }, pending{})
}
