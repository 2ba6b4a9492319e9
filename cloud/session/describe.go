package session

import (
	"time"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// inquiry is a describe that we asked for: a device before 2.0 waits for that.
type inquiry struct {
	flags  spark.DescribeFlags
	token  byte
	blocks coap.Assembler
}

// ask requests one part of the describe. A device that is asked for two at a
// time may drop the connection.
func (s *Session) ask(now time.Time, flags spark.DescribeFlags, outs *Outs) {
	if s.inquiry == nil {
		s.inquiry = &inquiry{blocks: coap.Assembler{Max: spark.MaxDescribe}}
	}
	s.inquiry.flags = flags
	s.inquire(now, spark.DescribeRequest{Flags: flags}, outs)
}

// inquire sends the request for the part, or for one more block of it.
func (s *Session) inquire(now time.Time, r spark.DescribeRequest, outs *Outs) {
	token, err := s.tokens.Take()
	if err != nil {
		s.inquiry = nil
		return
	}
	r.Token, s.inquiry.token = token, token
	id, err := s.ids.Next(now)
	var message []byte
	if err == nil {
		message, err = r.Append(nil, id)
	}
	if err != nil {
		s.tokens.Release(token)
		s.inquiry = nil
		return
	}
	s.request(now, id, token, true, message, outs)
}

// receiveInquired takes the answer to an inquiry, and reports whether m was
// one.
func (s *Session) receiveInquired(now time.Time, m *coap.Message, outs *Outs) bool {
	q := s.inquiry
	if q == nil || m.Token[0] != q.token {
		return false
	}
	s.tokens.Release(q.token)
	part, err := spark.ParseDescribeAnswer(m)
	if err != nil {
		s.Malformed++
		s.inquiry = nil
		return true
	}
	body := part.Payload
	if part.HasBlock {
		whole, done, err := q.blocks.Add(part.Block, part.Payload)
		if err == nil && !done {
			next := part.Block
			next.Num, next.More = next.Num+1, false
			s.inquire(now, spark.DescribeRequest{Flags: q.flags, Block: next, HasBlock: true}, outs)
			return true
		}
		if err != nil {
			s.Malformed++
			s.inquiry = nil
			return true
		}
		body = whole
	}
	s.inquiry = nil
	if s.take(now, q.flags, part.Binary, body, outs) != nil {
		s.Malformed++
		return true
	}
	if q.flags == spark.DescribeSystem && !s.knowsApplication() {
		s.ask(now, spark.DescribeApplication, outs)
	}
	s.persist(now, outs)
	return true
}

// receiveDescribe takes a describe, or a block of one, that the device sends
// by itself.
func (s *Session) receiveDescribe(now time.Time, m *coap.Message, outs *Outs) {
	part, err := spark.ParseDescribePost(m)
	if err != nil {
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	body := part.Payload
	if part.HasBlock {
		if s.blocks == nil {
			s.blocks = &coap.Assembler{Max: spark.MaxDescribe}
		}
		whole, done, err := s.blocks.Add(part.Block, part.Payload)
		switch {
		case err != nil:
			s.blocks = nil
			s.answerCode(now, m, coap.RequestEntityIncomplete, outs)
			return
		case !done:
			if answer, err := spark.AppendDescribeAck(nil, m); err == nil {
				s.answer(now, m, answer, outs)
			}
			return
		}
		body, s.blocks = whole, nil
	}
	if err := s.take(now, part.Flags, part.Binary, body, outs); err != nil {
		s.Malformed++
		s.answerCode(now, m, coap.BadRequest, outs)
		return
	}
	s.answerDurably(now, m, coap.Changed, outs)
}

// take reads the part of a describe that the flags name. What cannot be used
// twice, such as metrics, is not kept.
func (s *Session) take(now time.Time, flags spark.DescribeFlags, binary bool, body []byte, outs *Outs) error {
	if flags == spark.DescribeMetrics {
		_, err := spark.ParseMetrics(body)
		return err
	}
	d, err := spark.ParseDescribe(body, binary)
	if err != nil {
		return err
	}
	if s.describe == nil {
		s.describe = &spark.Describe{}
	}
	// A copy: what was handed out with an earlier Described stays as it was.
	merged := *s.describe
	merged.Merge(d)
	s.describe = &merged
	if d.HasApplication {
		s.described(now, outs)
	}
	return nil
}

func (s *Session) knowsApplication() bool { return s.describe != nil && s.describe.HasApplication }

// Describe gives what the application offers; ok tells whether it said so.
func (s *Session) Describe() (d device.Describe, ok bool) {
	if !s.knowsApplication() {
		return device.Describe{}, false
	}
	d.Functions = s.describe.Functions
	for _, v := range s.describe.Variables {
		d.Variables = append(d.Variables, device.Variable{Name: v.Name, Type: device.VariableType(v.Type)})
	}
	return d, true
}
