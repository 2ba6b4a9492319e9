package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"
)

// mailer writes to people by SMTP: one message for each, so that one address
// that does not exist costs the others nothing. All messages of an alert are a
// thread. A server that greylists says 4xx, and is asked again.
type mailer struct {
	host     string
	port     int
	options  []mail.Option
	from     *netmail.Address
	to       []*netmail.Address
	changes  bool
	leave    string
	listID   string
	hostname string // of message ids and the list

	mu   sync.Mutex
	done map[string]map[string]string // guarded by mu: what the server said, by notice and recipient, of those under way
}

const (
	mailPace  = 60  // a minute
	maxUnsure = 256 // notices of which some recipients have theirs and others not
)

func newMail(o *OutletSettings) (*mailer, error) {
	m := &mailer{changes: o.Changes, leave: o.Leave, done: map[string]map[string]string{}}
	name, port, err := net.SplitHostPort(o.Server)
	if err == nil {
		m.host = name
		m.port, err = strconv.Atoi(port)
	}
	if err != nil || name == "" {
		return nil, fmt.Errorf("server: %q is no host:port", o.Server)
	}
	if m.from, err = netmail.ParseAddress(o.From); err != nil {
		return nil, fmt.Errorf("from: %q is no mail address", o.From)
	}
	if len(o.To) == 0 {
		return nil, errors.New("to is missing: a list of mail addresses")
	}
	for _, text := range o.To {
		to, err := netmail.ParseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("to: %q is no mail address", text)
		}
		m.to = append(m.to, to)
	}
	if o.Leave != "" && (!strings.HasPrefix(o.Leave, "https://") || !webPage(o.Leave)) {
		return nil, fmt.Errorf("leave: %q is no https address", o.Leave)
	}
	_, m.hostname, _ = strings.Cut(m.from.Address, "@")
	m.listID = "<alerts." + m.hostname + ">"
	return m, m.connection(o)
}

// connection settles how the server is talked to.
func (m *mailer) connection(o *OutletSettings) error {
	m.options = []mail.Option{mail.WithPort(m.port), mail.WithHELO(m.hostname), mail.WithTimeout(15 * time.Second)}
	switch o.TLS {
	case "", "starttls":
		m.options = append(m.options, mail.WithTLSPolicy(mail.TLSMandatory))
	case "implicit":
		m.options = append(m.options, mail.WithSSL())
	case "none":
		if o.Username != "" {
			return errors.New("tls: none, and a password: it would be readable on the way")
		}
		m.options = append(m.options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return fmt.Errorf("tls: there is no %q, only starttls, implicit and none", o.TLS)
	}
	if o.Username == "" {
		return nil
	}
	password, err := secret(o.Password)
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	m.options = append(m.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(o.Username), mail.WithPassword(password))
	return nil
}

func (m *mailer) Takes(k Kind) bool { return k != Change || m.changes }
func (m *mailer) Pace() int         { return mailPace }

func (m *mailer) Send(ctx context.Context, n Notice) (Receipt, error) {
	client, err := mail.NewClient(m.host, m.options...)
	if err != nil {
		return Receipt{}, &Refusal{Words: err.Error(), Permanent: true}
	}
	if err := client.DialWithContext(ctx); err != nil {
		return Receipt{}, err
	}
	defer client.Close()
	// The library heeds the context only while it dials.
	stop := context.AfterFunc(ctx, func() { client.Close() })
	defer stop()

	said, wrong, again := m.begun(n.ID), []string{}, false
	for _, to := range m.to {
		if said[to.Address] != "" {
			continue
		}
		msg := m.message(n, to)
		err := client.Send(msg)
		if msg.IsDelivered() {
			m.delivered(n.ID, to.Address, msg.ServerResponse())
			continue
		}
		if err == nil {
			err = errors.New("not delivered")
		}
		wrong = append(wrong, to.Address+": "+err.Error())
		no, ok := errors.AsType[*mail.SendError](err)
		again = again || !ok || no.IsTemp()
	}
	return m.verdict(n.ID, wrong, again)
}

// verdict is what a try came to: taken if somebody has it and nobody else may
// get it yet.
func (m *mailer) verdict(id string, wrong []string, again bool) (Receipt, error) {
	said := m.begun(id)
	if again || len(said) == 0 {
		return Receipt{}, &Refusal{Words: strings.Join(wrong, "; "), Permanent: !again}
	}
	m.mu.Lock()
	delete(m.done, id)
	m.mu.Unlock()
	var words []string
	for _, to := range m.to {
		if said[to.Address] != "" {
			words = append(words, to.Address+": "+said[to.Address])
		}
	}
	return Receipt{At: time.Now(), Words: cut(oneLine(strings.Join(append(words, wrong...), "; ")), maxSummary)}, nil
}

// begun is who has the notice already, and what the server said.
func (m *mailer) begun(id string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := map[string]string{}
	maps.Copy(list, m.done[id])
	return list
}

func (m *mailer) delivered(id, to, words string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.done) >= maxUnsure { // somebody may get one twice
		clear(m.done)
	}
	if m.done[id] == nil {
		m.done[id] = map[string]string{}
	}
	m.done[id][to] = "250 " + words
}

// message writes the mail of a notice to one person. Its text is plain: no
// reader takes markup in it for markup. What stands in headers has no line
// breaks, because notices have none there.
func (m *mailer) message(n Notice, to *netmail.Address) *mail.Msg {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(m.from)
	msg.SetAddrHeaderFromMailAddress(mail.HeaderTo, to)
	msg.Subject(subject(n))
	msg.SetDateWithValue(n.At)
	msg.SetMessageIDWithValue(m.messageID(n.ID, to.Address))
	if n.Kind != Change {
		thread := "<" + m.messageID("thread:"+n.Key, to.Address) + ">"
		msg.SetGenHeader(mail.HeaderInReplyTo, thread)
		msg.SetGenHeader(mail.HeaderReferences, thread)
	}
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader(mail.HeaderXAutoResponseSuppress, "All")
	msg.SetGenHeader("List-Id", m.listID)
	if m.leave != "" {
		msg.SetGenHeader(mail.HeaderListUnsubscribe, "<"+m.leave+">")
		msg.SetGenHeader(mail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	if n.Kind.pages() && n.Severity.urgent() {
		msg.SetImportance(mail.ImportanceHigh)
	}
	msg.SetBodyString(mail.TypeTextPlain, m.text(n))
	return msg
}

// messageID is always the same for a notice and a recipient, so that a message
// that comes twice can be told.
func (m *mailer) messageID(id, to string) string {
	sum := sha256.Sum256([]byte(id + "\x00" + to))
	return hex.EncodeToString(sum[:16]) + "@" + m.hostname
}

// subjects begin with what happened.
var subjects = map[Kind]string{Trigger: "ALERT", Update: "UPDATE", Remind: "REMINDER", Acknowledge: "ACKNOWLEDGED", Resolve: "RESOLVED", Change: "CHANGE"}

func subject(n Notice) string {
	word := subjects[n.Kind]
	if n.Test {
		word = "TEST"
	}
	text := n.Summary
	if n.Summary == "" {
		text = n.Key
	}
	return "[" + word + "] " + cut(text, 200)
}

func (m *mailer) text(n Notice) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", n.Summary)
	fmt.Fprintf(&b, "%-12s %s\n", "when", n.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	if n.Severity != "" && n.Kind != Change {
		fmt.Fprintf(&b, "%-12s %s\n", "severity", n.Severity)
	}
	for _, d := range n.Details {
		fmt.Fprintf(&b, "%-12s %s\n", d.Name, strings.ReplaceAll(d.Value, "\n", "\n             "))
	}
	if n.AckURL != "" {
		fmt.Fprintf(&b, "\nI have it (a page with a button):\n%s\n", n.AckURL)
	}
	for _, l := range n.Links {
		fmt.Fprintf(&b, "\n%s:\n%s\n", l.Text, l.URL)
	}
	if n.Kind != Change {
		fmt.Fprintf(&b, "\nalert %s\n", n.Key)
	}
	return b.String()
}
