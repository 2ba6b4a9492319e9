package sim

import (
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// Payloads of the three parts.

func (d *Device) systemPayload() []byte {
	system := d.cfg.Profile.system(d.cfg.PlatformID)
	if d.cfg.Profile.SinglePart {
		return spark.AppendSystem(nil, system)
	}
	return spark.AppendSystemJSON(nil, system)
}

// offers is what the application has.
func (d *Device) offers() *spark.Describe {
	offer := &spark.Describe{HasApplication: true}
	if d.safeMode {
		return offer
	}
	for _, f := range d.cfg.Application.Functions {
		offer.Functions = append(offer.Functions, f.Name)
	}
	for _, v := range d.cfg.Application.Variables {
		offer.Variables = append(offer.Variables, spark.Variable{Name: v.Name, Type: v.Value.Type})
	}
	return offer
}

func (d *Device) applicationDigest() uint32 { return spark.ApplicationChecksum(d.offers()) }

func (d *Device) applicationPayload() []byte { return spark.AppendApplication(nil, d.offers()) }

func (d *Device) bothPayload() []byte {
	both := d.offers()
	both.System = d.cfg.Profile.system(d.cfg.PlatformID)
	return spark.AppendDescribeJSON(nil, both)
}

// metricsPayload are the few counters that a virtual device really has.
func (d *Device) metricsPayload() []byte {
	const (
		uptime, cloudStatus, unacknowledged, attempts = 6, 10, 22, 29
		connected                                     = 2
	)
	return spark.AppendMetrics(nil, []spark.Metric{
		{ID: uptime, Value: int32(d.now.Sub(d.booted).Seconds())},
		{ID: cloudStatus, Value: connected},
		{ID: unacknowledged, Value: int32(len(d.talk.pending))},
		{ID: attempts, Value: int32(d.failures + 1)},
	})
}

// blockRoom is what a message needs beside a block: header, token and options.
const blockRoom = 32

// posts sends a describe of the device's own accord, in blocks if one message
// is too small for it.
func (d *Device) post(part spark.DescribePart, payload []byte, p pending) bool {
	if d.cfg.Profile.DescribeTokens && len(payload)+blockRoom > d.cfg.Profile.MaxMessage {
		body := &coap.Splitter{Body: payload, SZX: coap.SZX(d.cfg.Profile.MaxMessage - blockRoom)}
		part.HasBlock = true
		p.body = body
		return d.sayBlock(part, 0, p)
	}
	part.Payload = payload
	return d.sayPart(part, p)
}

// sayBlock sends one block; the next one follows when it is acknowledged.
func (d *Device) sayBlock(part spark.DescribePart, num uint32, p pending) bool {
	part.Block, part.Payload, _ = p.body.Block(num)
	p.post = &part
	return d.sayPart(part, p)
}

func (d *Device) sayPart(part spark.DescribePart, p pending) bool {
	if d.cfg.Profile.DescribeTokens {
		part.Token, part.HasToken = d.talk.nextToken(), true
	}
	return d.say(coap.Confirmable, func(id uint16) ([]byte, error) { return part.AppendPost(nil, id) }, p)
}

// last reports whether nothing follows a message once it is acknowledged.
func (p *pending) last() bool { return p.post == nil || !p.post.Block.More }

func (d *Device) nextBlock(p pending) { d.sayBlock(*p.post, p.post.Block.Num+1, p) }

func (d *Device) describeSystem(startup bool) {
	part := spark.DescribePart{Flags: spark.DescribeSystem, Binary: d.cfg.Profile.SinglePart}
	d.post(part, d.systemPayload(), pending{purpose: forSystem, startup: startup, digest: d.systemDigest()})
}

func (d *Device) describeApplication(startup bool) {
	part := spark.DescribePart{Flags: spark.DescribeApplication}
	d.post(part, d.applicationPayload(), pending{purpose: forApplication, startup: startup, digest: d.applicationDigest()})
}

// vitals sends the metrics.
func (d *Device) vitals() bool {
	if d.phase != Connected {
		return false
	}
	return d.post(spark.DescribePart{Flags: spark.DescribeMetrics}, d.metricsPayload(), pending{})
}

// describe answers a request for a part. Old generations give both parts when
// they are not asked for one; new ones refuse that, and drop the connection
// when asked for both.
func (d *Device) describe(m *coap.Message) {
	if len(m.Token) != 1 {
		d.end(endToken)
		return
	}
	single := d.cfg.Profile.SinglePart
	r, err := spark.ParseDescribeRequest(m)
	switch {
	case err != nil && single:
		d.reply(m, coap.AppendPiggyback(nil, m, coap.BadRequest, nil))
		return
	case err != nil:
		r = spark.DescribeRequest{Token: m.Token[0], Flags: spark.DescribeSystem | spark.DescribeApplication}
	}
	if r.HasBlock && r.Block.Num > 0 {
		d.answerBlock(m, r)
		return
	}
	part := spark.DescribePart{Token: r.Token, HasToken: true}
	var payload []byte
	switch r.Flags {
	case spark.DescribeSystem:
		payload, part.Binary = d.systemPayload(), single
	case spark.DescribeApplication:
		payload = d.applicationPayload()
	case spark.DescribeMetrics:
		payload = d.metricsPayload()
	default:
		d.confirm(m)
		if single {
			d.end(endTwoParts)
			return
		}
		payload = d.bothPayload()
	}
	if r.Flags.Single() {
		d.confirm(m)
	}
	d.answerDescribe(part, payload)
}

// answerDescribe sends the answer, or its first block.
func (d *Device) answerDescribe(part spark.DescribePart, payload []byte) {
	part.Payload = payload
	d.talk.answer = nil
	if len(payload)+blockRoom > d.cfg.Profile.MaxMessage {
		d.talk.etag++
		d.talk.answer = &coap.Splitter{Body: payload, SZX: coap.SZX(d.cfg.Profile.MaxMessage - blockRoom)}
		part.HasBlock, part.ETag = true, []byte{d.talk.etag, 0, 0, 0}
		part.Block, part.Payload, _ = d.talk.answer.Block(0)
	}
	d.respond(func() { d.sayAnswer(part) })
}

func (d *Device) sayAnswer(part spark.DescribePart) {
	d.say(coap.Confirmable, func(id uint16) ([]byte, error) { return part.AppendAnswer(nil, id) }, pending{})
}

// answerBlock sends another block of the answer. It is forgotten with its last
// block.
func (d *Device) answerBlock(m *coap.Message, r spark.DescribeRequest) {
	answer := d.talk.answer
	if answer == nil {
		d.reply(m, coap.AppendPiggyback(nil, m, coap.NotFound, nil))
		return
	}
	block, payload, ok := answer.Block(r.Block.Num)
	if !ok || r.Block.SZX != answer.SZX {
		d.reply(m, coap.AppendPiggyback(nil, m, coap.BadOption, nil))
		return
	}
	if !block.More {
		d.talk.answer = nil
	}
	d.confirm(m)
	part := spark.DescribePart{
		Token: r.Token, HasToken: true, Binary: r.Flags == spark.DescribeSystem && d.cfg.Profile.SinglePart,
		HasBlock: true, Block: block, Payload: payload, ETag: []byte{d.talk.etag, 0, 0, 0},
	}
	d.respond(func() { d.sayAnswer(part) })
}
