package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/cyan-cloud/cyan/cloud/account"
	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/fault"
	"github.com/cyan-cloud/cyan/cloud/store"
)

func renameUser(t *testing.T, s *store.Store) {
	ada := addUser(t, s, "ada")
	addUser(t, s, "bob")
	must(t, s.SetUsername(ctx(t), "ada", " Ada@Work.example "))
	ada.Username = "ada@work.example"
	ada.Info = account.Info{FirstName: "Ada", LastName: "Lovelace", Company: "Analytical", Business: true}
	must(t, s.SetInfo(ctx(t), "ada", ada.Info))
	got, err := s.UserByName(ctx(t), "ada@work.example")
	must(t, err)
	same(t, "renamed", got, ada)
	wantKind(t, "a name that is taken", s.SetUsername(ctx(t), "ada", "bob@example.com"), fault.Conflict)
	wantKind(t, "nobody's name", s.SetUsername(ctx(t), "nobody", "x@example.com"), fault.NotFound)
	wantKind(t, "nobody's info", s.SetInfo(ctx(t), "nobody", ada.Info), fault.NotFound)
}

func secondFactor(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	_, err := s.SecondFactor(ctx(t), "ada")
	wantKind(t, "no second factor", err, fault.NotFound)
	ticket := account.Ticket{
		Hash: account.HashToken("ticket"), User: "ada", Secret: []byte("secret"), Expires: noon().Add(time.Minute),
	}
	must(t, s.AddTicket(ctx(t), ticket, noon()))
	got, err := s.TryTicket(ctx(t), ticket.Hash, noon())
	must(t, err)
	same(t, "ticket", got, ticket)
	codes := []account.TokenHash{account.HashRecovery("one"), account.HashRecovery("two")}
	must(t, s.Enrol(ctx(t), ticket, 7, codes, noon()))
	wantKind(t, "the same ticket again", s.Enrol(ctx(t), ticket, 8, nil, noon()), fault.NotFound)
	wantFactor := func(want account.SecondFactor) {
		t.Helper()
		got, err := s.SecondFactor(ctx(t), "ada")
		must(t, err)
		same(t, "second factor", got, want)
	}
	wantFactor(account.SecondFactor{Secret: []byte("secret"), LastStep: 7, Recovery: 2})
	u, err := s.User(ctx(t), "ada")
	must(t, err)
	same(t, "user with a second factor", u.MFA, true)

	wantKind(t, "a step that was used", s.UseStep(ctx(t), "ada", 7), fault.NotFound)
	must(t, s.UseStep(ctx(t), "ada", 9))
	wantKind(t, "an older step", s.UseStep(ctx(t), "ada", 8), fault.NotFound)
	must(t, s.UseRecovery(ctx(t), "ada", codes[0]))
	wantKind(t, "a recovery code again", s.UseRecovery(ctx(t), "ada", codes[0]), fault.NotFound)
	wantKind(t, "somebody else's recovery code", s.UseRecovery(ctx(t), "bob", codes[1]), fault.NotFound)
	wantFactor(account.SecondFactor{Secret: []byte("secret"), LastStep: 9, Recovery: 1})
	must(t, s.EndSecondFactor(ctx(t), "ada"))
	must(t, s.EndSecondFactor(ctx(t), "ada"))
	wantKind(t, "a recovery code after the end", s.UseRecovery(ctx(t), "ada", codes[1]), fault.NotFound)
	u, err = s.User(ctx(t), "ada")
	must(t, err)
	same(t, "user without a second factor", u.MFA, false)
}

func tickets(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	login := account.Ticket{
		Hash: account.HashToken("login"), User: "ada", Lifetime: time.Hour, Scopes: []account.Scope{account.EventsGet},
		Client: "particle-cli", Expires: noon().Add(time.Minute),
	}
	must(t, s.AddTicket(ctx(t), login, noon()))
	for i := range account.TicketTries {
		got, err := s.TryTicket(ctx(t), login.Hash, noon())
		must(t, err)
		same(t, fmt.Sprintf("try %d", i+1), got, login)
	}
	_, err := s.TryTicket(ctx(t), login.Hash, noon())
	wantKind(t, "a try too many", err, fault.NotFound)
	_, err = s.TryTicket(ctx(t), account.HashToken("no ticket"), noon())
	wantKind(t, "no ticket", err, fault.NotFound)

	ended := login
	ended.Hash = account.HashToken("ended")
	must(t, s.AddTicket(ctx(t), ended, noon()))
	_, err = s.TryTicket(ctx(t), ended.Hash, noon().Add(time.Minute))
	wantKind(t, "an expired ticket", err, fault.NotFound)
	must(t, s.EndTicket(ctx(t), ended.Hash))
	wantKind(t, "the end again", s.EndTicket(ctx(t), ended.Hash), fault.NotFound)

	for i := 0; ; i++ {
		login.Hash = account.HashToken(fmt.Sprint("many", i))
		if err := s.AddTicket(ctx(t), login, noon()); err != nil {
			wantKind(t, "too many tickets", err, fault.Busy)
			same(t, "tickets before that", i, 4)
			break
		}
	}
	must(t, s.AddTicket(ctx(t), login, login.Expires))
}

func services(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	addUser(t, s, "bob")
	v := account.Service{ID: "1", Owner: "ada", Name: "grafana", Scopes: []account.Scope{account.DevicesList, account.EventsGet}, Created: noon()}
	must(t, s.AddService(ctx(t), v))
	again := v
	again.ID = "2"
	wantKind(t, "the same name again", s.AddService(ctx(t), again), fault.Conflict)
	list, err := s.Services(ctx(t), "ada")
	must(t, err)
	same(t, "service accounts", list, []account.Service{v})

	token := account.Token{Hash: account.HashToken("service"), User: "ada", Service: "1", Scopes: v.Scopes, Created: noon()}
	own := account.Token{Hash: account.HashToken("own"), User: "ada", Created: noon()}
	must(t, s.AddToken(ctx(t), token))
	must(t, s.AddToken(ctx(t), own))
	got, err := s.TokensOfService(ctx(t), "1")
	must(t, err)
	same(t, "tokens of the service account", got, []account.Token{token})
	got, err = s.TokensOf(ctx(t), "ada")
	must(t, err)
	same(t, "tokens of the user", got, []account.Token{own})

	must(t, s.RevokeTokens(ctx(t), "ada"))
	_, err = s.Token(ctx(t), token.Hash)
	must(t, err)
	wantKind(t, "somebody else's service account", s.DeleteService(ctx(t), "bob", "1"), fault.NotFound)
	must(t, s.DeleteService(ctx(t), "ada", "1"))
	_, err = s.Token(ctx(t), token.Hash)
	wantKind(t, "a token of a service account that has ended", err, fault.NotFound)
}

func transfers(t *testing.T, s *store.Store) {
	for _, id := range []account.ID{"ada", "bob", "eve"} {
		addUser(t, s, id)
	}
	id := deviceID(1)
	must(t, s.Provision(ctx(t), id, key(1), "ada"))
	must(t, s.Rename(ctx(t), id, "ada", "oven"))
	ask := func(transfer string, wants account.ID) device.Transfer {
		t.Helper()
		got, err := s.AskForDevice(ctx(t), device.Transfer{
			ID: transfer, Device: id, Owner: "ada", Wants: wants, Created: noon(), Expires: noon().Add(device.TransferLife),
		})
		must(t, err)
		return got
	}
	first := ask("1", "bob")
	same(t, "the same wish again", ask("2", "bob"), first)
	ask("3", "eve")
	want := device.Transfer{
		ID: "1", Device: id, Name: "oven", Owner: "ada", Wants: "bob", Asker: "bob@example.com", Created: noon(), Expires: noon().Add(device.TransferLife),
	}
	list, err := s.Transfers(ctx(t), "bob", noon())
	must(t, err)
	same(t, "what bob asks for", list, []device.Transfer{want})
	list, err = s.Transfers(ctx(t), "ada", noon())
	must(t, err)
	same(t, "how many ask ada", len(list), 2)

	_, err = s.Hand(ctx(t), "1", "bob", noon())
	wantKind(t, "who asks cannot answer", err, fault.NotFound)
	_, err = s.Hand(ctx(t), "1", "ada", want.Expires)
	wantKind(t, "an expired transfer", err, fault.NotFound)
	wantKind(t, "somebody else's transfer", s.EndTransfer(ctx(t), "3", "bob"), fault.NotFound)
	got, err := s.Hand(ctx(t), "1", "ada", noon())
	must(t, err)
	same(t, "handed over", got, want)
	d, err := s.Device(ctx(t), id)
	must(t, err)
	same(t, "new owner", d.Owner, "bob")
	same(t, "new name", d.Name, "")
	_, err = s.Hand(ctx(t), "3", "ada", noon())
	wantKind(t, "the other wish", err, fault.NotFound)

	// A wish dies with the ownership that it was addressed to.
	must(t, s.Release(ctx(t), id, "bob"))
	must(t, s.Claim(ctx(t), id, "ada"))
	stale := ask("4", "eve")
	must(t, s.Release(ctx(t), id, "ada"))
	must(t, s.Claim(ctx(t), id, "bob"))
	_, err = s.Hand(ctx(t), stale.ID, "ada", noon())
	wantKind(t, "a device that is the owner's no more", err, fault.NotFound)
	list, err = s.Transfers(ctx(t), "eve", noon())
	must(t, err)
	same(t, "stale wishes", len(list), 0)
}

func auditLog(t *testing.T, db Database) {
	s := open(t, db.New(t), store.Config{Audit: store.AuditBounds{Age: time.Hour, Total: 3}})
	entry := func(n int, user account.ID, at time.Time) account.Entry {
		return account.Entry{
			ID: fmt.Sprintf("%04d", n), At: at, User: user, Service: "1", Token: "0123", Source: "203.0.113.7", Action: "device.claim",
			Object: "oven", Outcome: account.OutcomeOK, Request: "test",
		}
	}
	var all []account.Entry
	for n, user := range []account.ID{"ada", "bob", "ada", "", "ada"} {
		all = append(all, entry(n, user, noon().Add(time.Duration(n)*time.Minute)))
	}
	must(t, s.AddEntries(ctx(t), all))
	read := func(q account.AuditQuery) []account.Entry {
		t.Helper()
		got, err := s.Audit(ctx(t), q)
		must(t, err)
		return got
	}
	same(t, "everybody's", read(account.AuditQuery{}), []account.Entry{all[4], all[3], all[2], all[1], all[0]})
	same(t, "ada's", read(account.AuditQuery{User: "ada", Limit: 2}), []account.Entry{all[4], all[2]})
	same(t, "the next page", read(account.AuditQuery{User: "ada", Before: all[2].ID}), []account.Entry{all[0]})
	same(t, "since", read(account.AuditQuery{Since: all[3].At}), []account.Entry{all[4], all[3]})

	must(t, s.Prune(ctx(t), noon()))
	same(t, "over the bound", read(account.AuditQuery{}), []account.Entry{all[4], all[3], all[2]})
	must(t, s.Prune(ctx(t), all[3].At.Add(time.Hour)))
	same(t, "past their age", read(account.AuditQuery{}), []account.Entry{all[4], all[3]})
}

func vitals(t *testing.T, s *store.Store) {
	addUser(t, s, "ada")
	id := deviceID(1)
	must(t, s.Provision(ctx(t), id, key(1), "ada"))
	first := device.Vitals{At: noon(), Payload: []byte(`{"a":1}`)}
	second := device.Vitals{At: noon().Add(2 * time.Minute), Payload: []byte(`{"a":2}`)}
	later := device.Vitals{At: second.At.Add(time.Second), Payload: []byte(`{"a":3}`)}
	for _, v := range []device.Vitals{first, second, later, later} {
		must(t, s.AddVitals(ctx(t), id, v))
	}
	read := func(since, until time.Time, limit int) []device.Vitals {
		t.Helper()
		got, err := s.Vitals(ctx(t), id, since, until, limit)
		must(t, err)
		return got
	}
	same(t, "all, one a minute", read(time.Time{}, time.Time{}, 0), []device.Vitals{later, first})
	same(t, "the last", read(time.Time{}, time.Time{}, 1), []device.Vitals{later})
	same(t, "since", read(later.At, time.Time{}, 0), []device.Vitals{later})
	same(t, "until", read(time.Time{}, later.At, 0), []device.Vitals{first})
	wantKind(t, "vitals of no device", s.AddVitals(ctx(t), deviceID(2), first), fault.NotFound)
	must(t, s.Prune(ctx(t), first.At.Add(31*24*time.Hour+time.Second)))
	same(t, "after a month", read(time.Time{}, time.Time{}, 0), []device.Vitals{later})
}
