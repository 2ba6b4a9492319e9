package notifytest

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Mailbox is a mail server that keeps what it is given. It listens on loopback
// and speaks without TLS.
type Mailbox struct {
	Greylist int           // tries of a recipient that are put off with 451 before one is taken
	Reject   []string      // recipients that do not exist: 550
	Hang     time.Duration // before it answers MAIL

	server   *smtp.Server
	listener net.Listener
	done     chan error

	mu    sync.Mutex
	tries map[string]int // guarded by mu
	mails []Mail         // guarded by mu
	came  chan struct{}  // guarded by mu: closed when a mail comes
}

// Mail is a message that was taken.
type Mail struct {
	From string
	To   []string
	Text string // with headers, as it came
}

// Start listens on an address of loopback; ":0" is any port.
func (b *Mailbox) Start(address string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	b.listener, b.done, b.tries = l, make(chan error, 1), map[string]int{}
	b.server = smtp.NewServer(b)
	b.server.Domain = "mx.test"
	b.server.ErrorLog = silent{}
	go func() { defer close(b.done); b.done <- b.server.Serve(l) }() // ends with Close
	return nil
}

// Addr is where it listens.
func (b *Mailbox) Addr() string { return b.listener.Addr().String() }

// Close ends it. Closing it again changes nothing.
func (b *Mailbox) Close() error {
	b.listener.Close() // the server knows of it only once it serves
	err := b.server.Close()
	if ended := <-b.done; !errors.Is(ended, smtp.ErrServerClosed) && !errors.Is(ended, net.ErrClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// Mails gives what was taken.
func (b *Mailbox) Mails() []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.mails)
}

// Came is closed when the next mail comes.
func (b *Mailbox) Came() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.came == nil {
		b.came = make(chan struct{})
	}
	return b.came
}

// NewSession begins a conversation.
func (b *Mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &letter{box: b}, nil }

// letter is a conversation, in which several mails can be handed over.
type letter struct {
	box  *Mailbox
	mail Mail
}

func (l *letter) Reset()        { l.mail = Mail{} }
func (l *letter) Logout() error { return nil }

func (l *letter) Mail(from string, _ *smtp.MailOptions) error {
	if l.box.Hang > 0 {
		<-time.After(l.box.Hang)
	}
	l.mail = Mail{From: from}
	return nil
}

func (l *letter) Rcpt(to string, _ *smtp.RcptOptions) error {
	if slices.Contains(l.box.Reject, to) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
	}
	l.box.mu.Lock()
	defer l.box.mu.Unlock()
	l.box.tries[to]++
	if l.box.tries[to] <= l.box.Greylist {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, try again later"}
	}
	l.mail.To = append(l.mail.To, to)
	return nil
}

func (l *letter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	l.mail.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
	l.box.mu.Lock()
	defer l.box.mu.Unlock()
	l.box.mails = append(l.box.mails, l.mail)
	if l.box.came != nil {
		close(l.box.came)
		l.box.came = nil
	}
	return nil
}

// silent keeps quiet about clients that go away.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
