package notify_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cyan-cloud/cyan/watch/notify"
	"github.com/cyan-cloud/cyan/watch/notify/notifytest"
)

func mailTo(t *testing.T, box *notifytest.Mailbox, to ...string) notify.Outlet {
	t.Helper()
	if err := box.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	o, err := notify.NewOutlet("mail", notify.OutletSettings{Type: "mail", Server: box.Addr(), TLS: "none", From: "alerts@example.com", To: to}, notify.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestMail: a server that greylists is asked again, and nobody gets a mail
// twice; the receipt has the server's words.
func TestMail(t *testing.T) {
	box := &notifytest.Mailbox{Greylist: 1}
	o := mailTo(t, box, "ada@example.com", "bob@example.com")
	_, err := o.Send(t.Context(), outage("n1", notify.Trigger))
	if no, ok := errors.AsType[*notify.Refusal](err); !ok || no.Permanent || !strings.Contains(no.Words, "Greylisted") {
		t.Fatalf("greylisted: %v", err)
	}
	receipt, err := o.Send(t.Context(), outage("n1", notify.Trigger))
	if err != nil || !strings.Contains(receipt.Words, "ada@example.com: 250") {
		t.Fatalf("%+v, %v", receipt, err)
	}
	mails := box.Mails()
	if len(mails) != 2 || len(mails[0].To) != 1 || mails[0].To[0] == mails[1].To[0] {
		t.Fatalf("mails: %+v", mails)
	}
	for _, want := range []string{"Subject: [ALERT] New connections (TCP) fail", "Auto-Submitted: auto-generated", "List-Id: <alerts.example.com>", "In-Reply-To: <"} {
		if !strings.Contains(mails[0].Text, want) {
			t.Errorf("no %q in\n%s", want, mails[0].Text)
		}
	}
}

// TestMailUnknown: an address that does not exist costs the others nothing, and
// the receipt tells; when there is no other, the refusal is final.
func TestMailUnknown(t *testing.T) {
	box := &notifytest.Mailbox{Reject: []string{"bob@example.com"}}
	o := mailTo(t, box, "bob@example.com", "ada@example.com")
	receipt, err := o.Send(t.Context(), outage("n1", notify.Trigger))
	if err != nil || !strings.Contains(receipt.Words, "No such user") || len(box.Mails()) != 1 {
		t.Errorf("%+v, %v, %d mails", receipt, err, len(box.Mails()))
	}
	alone := mailTo(t, &notifytest.Mailbox{Reject: []string{"bob@example.com"}}, "bob@example.com")
	_, err = alone.Send(t.Context(), outage("n1", notify.Trigger))
	if no, ok := errors.AsType[*notify.Refusal](err); !ok || !no.Permanent {
		t.Errorf("nobody is there: %v", err)
	}
}

// TestMailDead: a server that is not there is tried again.
func TestMailDead(t *testing.T) {
	box := &notifytest.Mailbox{}
	o := mailTo(t, box, "ada@example.com")
	box.Close()
	_, err := o.Send(t.Context(), outage("n1", notify.Trigger))
	if no, ok := errors.AsType[*notify.Refusal](err); err == nil || ok && no.Permanent {
		t.Errorf("%v", err)
	}
}
