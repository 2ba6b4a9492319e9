package session

import (
	"errors"
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/event"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/session/offer"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/rest"
	"github.com/cyan-cloud/cyan/wire/spark"
)

const (
	askWait   = 60 * time.Second // for a describe that we asked for by ourselves
	blockWait = 90_000           // milliseconds: a describe of which no further block comes is forgotten
)

// blocks is a describe that comes in several messages.
type blocks struct {
	body coap.Assembler
	etag string // of an answer: blocks of one describe have the same
	at   int64  // when the latest came
}

// add takes a block of b, or of a new body when b is nil.
func (b *blocks) add(now time.Time, part *spark.DescribePart) (next *blocks, whole []byte, err error) {
	if b == nil || part.Block.Num == 0 {
		b = &blocks{body: coap.Assembler{Max: spark.MaxDescribe}, etag: string(part.ETag)}
	}
	if b.etag != string(part.ETag) {
		return nil, nil, coap.ErrBlockOrder
	}
	b.at = now.UnixMilli()
	whole, done, err := b.body.Add(part.Block, part.Payload)
	if done || err != nil {
		return nil, whole, err
	}
	return b, nil, nil
}

// fresh gives b, or nil when nothing has come for too long.
func (b *blocks) fresh(now time.Time) *blocks {
	if b == nil || now.UnixMilli()-b.at >= blockWait {
		return nil
	}
	return b
}

// receiveDescribe takes a describe, or a block of one, that the device sends
// by itself.
func (s *Session) receiveDescribe(now time.Time, m *coap.Message, outs *Outs) {
	if !s.canHold() {
		return
	}
	part, err := spark.ParseDescribePost(m)
	if err != nil {
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	body := part.Payload
	if part.HasBlock {
		if s.desk.blocks, body, err = s.desk.blocks.add(now, &part); err != nil {
			s.answerCode(now, m, blockCode(err), outs)
			return
		}
	}
	if s.desk.blocks != nil && part.HasBlock {
		if answer, err := spark.AppendDescribeAck(nil, m); err == nil {
			s.answer(now, m, answer, outs)
		}
		return
	}
	if _, err := s.take(now, part.Flags, part.Binary, body, outs); err != nil {
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	s.answerDurably(now, m, coap.Changed, outs)
}

// blockCode says what is wrong with a block (RFC 7959, section 2.9).
func blockCode(err error) coap.Code {
	switch {
	case errors.Is(err, coap.ErrBlockOrder):
		return coap.RequestEntityIncomplete
	case errors.Is(err, coap.ErrTooLarge):
		return coap.RequestEntityTooLarge
	default:
		return coap.BadRequest
	}
}

// ask requests one part of the describe for ourselves: a device before 2.0
// waits for that. One that is asked for two parts at a time may drop the
// connection, and one that has done so after any is not asked again.
func (s *Session) ask(now time.Time, part spark.DescribeFlags, outs *Outs) {
	if s.avoids(Describe) {
		return
	}
	outs.add(Out{Kind: Asked})
	s.call(now, Call{Kind: Describe, Flags: part, Deadline: now.Add(askWait)}, outs)
}

// receiveAnswer takes the i-th call's answer, which is a describe or a block of one.
// The device gives the next block when it is asked for it.
func (s *Session) receiveAnswer(now time.Time, i int, m *coap.Message, outs *Outs) {
	c := &s.desk.calls[i]
	asked := c.flags
	part, err := spark.ParseDescribeAnswer(m)
	body := part.Payload
	if err == nil && part.HasBlock {
		if s.desk.fetch, body, err = s.desk.fetch.add(now, &part); err == nil && s.desk.fetch != nil {
			err = s.fetchNext(now, c, part.Block, outs)
			if err == nil {
				return
			}
		}
	}
	s.desk.fetch = nil
	var d spark.Describe
	if err == nil {
		d, err = s.take(now, asked, part.Binary, body, outs)
	}
	r := Reply{Stage: Answered}
	if err != nil {
		s.Malformed++
		r.Err = fault.E(fault.Unavailable, "the device's description of itself does not make sense", err).WithCode(rest.CodeDeviceError)
	}
	// take may have started calls, behind this one.
	s.finish(now, i, r, outs)
	if asked == spark.DescribeApplication && d.System == nil && s.phase == startUp && !s.describes() {
		s.ask(now, spark.DescribeSystem, outs)
	}
}

// fetchNext asks for the block behind b, with a token of its own.
func (s *Session) fetchNext(now time.Time, c *call, b coap.Block, outs *Outs) error {
	token, id, err := s.label(now, outs)
	if err != nil {
		return err
	}
	b.Num, b.More = b.Num+1, false
	request := spark.DescribeRequest{Token: token, Flags: c.flags, Block: b, HasBlock: true}
	message, err := request.Append(nil, id)
	if err != nil {
		s.tokens.Release(token)
		return err
	}
	s.tokens.Release(c.token)
	s.desk.pending.Acknowledge(c.message)
	c.token, c.message, c.acked = token, id, false
	s.request(now, id, message, outs)
	return nil
}

// take reads the part of a describe that the flags name. Only what the
// application offers is kept: the rest is handed out once, or counts only now.
func (s *Session) take(now time.Time, part spark.DescribeFlags, binary bool, body []byte, outs *Outs) (spark.Describe, error) {
	if part == spark.DescribeMetrics {
		return spark.Describe{}, s.tellVitals(now, body, outs)
	}
	d, err := spark.ParseDescribe(body, binary)
	if err != nil {
		return spark.Describe{}, err
	}
	if d.System != nil {
		outs.add(Out{Kind: Described, System: d.System})
	}
	if !d.HasApplication && (binary || part != spark.DescribeApplication) {
		return d, nil
	}
	s.doubted = false
	if app := string(offer.New(&d)); s.app == nil || *s.app != app {
		s.app = &app
		s.persist(outs)
	}
	if d.System == nil {
		outs.add(Out{Kind: Described})
	}
	s.described(now, outs)
	return d, nil
}

// tellVitals publishes what the device said of its health.
func (s *Session) tellVitals(now time.Time, body []byte, outs *Outs) error {
	metrics, err := spark.ParseMetrics(body)
	if err != nil {
		return err
	}
	vitals := make([]device.Metric, len(metrics))
	for i, m := range metrics {
		vitals[i] = device.Metric(m)
	}
	outs.add(Out{Kind: Publish, Event: event.Event{
		ID: s.eventID(outs), Name: event.Diagnostics, Data: device.VitalsPayload(vitals), HasData: true, TTL: event.DefaultTTL,
		Device: s.id, Published: now,
	}})
	return nil
}
