package session_test

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/session"
	"github.com/cyan-cloud/cyan/wire/coap"
	"github.com/cyan-cloud/cyan/wire/spark"
)

var methods = map[coap.Code]string{coap.GET: "GET", coap.POST: "POST", coap.PUT: "PUT", coap.Empty: "empty"}

// words writes a CoAP message so that it can be read aloud.
func words(m *coap.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %04x ", m.Type, m.ID)
	if name, ok := methods[m.Code]; ok {
		b.WriteString(name)
	} else {
		b.WriteString(m.Code.String())
	}
	if len(m.Token) > 0 {
		fmt.Fprintf(&b, " token %x", m.Token)
	}
	if path := m.Path(nil); len(path) > 0 {
		fmt.Fprintf(&b, " /%s", path)
	}
	for o := m.Options(); o.Next(); {
		switch o.Number {
		case coap.URIPath:
		case coap.URIQuery:
			b.WriteString(" ?" + text(o.Value))
		case coap.Block1, coap.Block2:
			block, err := coap.ParseBlock(o.Value)
			fmt.Fprintf(&b, " block%d %d of %d more %v", 1+(o.Number&4)/4, block.Num, block.Size(), block.More)
			if err != nil {
				b.WriteString(" bad")
			}
		default:
			fmt.Fprintf(&b, " option %d=%s", o.Number, text(o.Value))
		}
	}
	if len(m.Payload) > 0 {
		b.WriteString(" " + text(m.Payload))
	}
	return b.String()
}

func text(p []byte) string {
	if !utf8.Valid(p) || strings.ContainsFunc(string(p), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Sprintf("%x", p)
	}
	if len(p) > 160 {
		return fmt.Sprintf("%q… %d bytes", p[:60], len(p))
	}
	return fmt.Sprintf("%q", p)
}

// reply writes a call's answer.
func reply(r *session.Reply) string {
	if r.Err != nil {
		return fmt.Sprintf("call %d: %v (%s, %s, %s) after %v", r.ID, r.Err, fault.KindOf(r.Err), fault.CodeOf(r.Err), r.Stage, r.Took)
	}
	return fmt.Sprintf("call %d: %s after %v", r.ID, value(&r.Value), r.Took)
}

func value(v *spark.Value) string {
	switch v.Type {
	case 0:
		return "done"
	case spark.TypeInt:
		return fmt.Sprint(v.Int)
	case spark.TypeBool:
		return fmt.Sprint(v.Bool)
	case spark.TypeDouble:
		return fmt.Sprint(v.Double)
	default:
		return fmt.Sprintf("%q", v.Text)
	}
}

func subscriptions(s *session.Session) string {
	var list []string
	for _, sub := range s.Subscriptions() {
		word := fmt.Sprintf("%s %s", sub.Prefix, sub.Scope)
		if sub.Device != "" {
			word += " " + sub.Device
		}
		list = append(list, word)
	}
	return strings.Join(list, ", ")
}

func offers(s *session.Session) string {
	d, ok := s.Describe()
	if !ok {
		return "unknown"
	}
	var list []string
	for _, v := range d.Variables {
		list = append(list, v.Name+":"+v.Type.String())
	}
	return fmt.Sprintf("functions %v variables %v", d.Functions, list)
}
