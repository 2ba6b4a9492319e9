package golden

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/test/watch/stage"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

func anyone(d *rest.Device) bool { return d.Connected }

func overUDP(d *rest.Device) bool { return d.Connected && d.Transport == "udp" }

// minute is what the page and the pager have.
const minute = time.Minute

// shut lets new connections fail, reboots devices, and looks at what is said.
func (p *play) shut() {
	p.crowd.fault(door.Unanswered)
	p.truth.fault = time.Now()
	p.say("new connections get no answer any more, over TCP and UDP; those who are connected go on")
	rebooting, stop := context.WithCancel(p.t.Context())
	var all sync.WaitGroup
	all.Go(func() { p.reboot(rebooting) }) // until stop
	p.t.Cleanup(all.Wait)
	p.t.Cleanup(stop)
	p.lamp.Kill()
	p.light()

	p.watchOutside()
	p.immediate()
	if p.incident() != nil && *without == "" {
		p.people()
		p.answers()
	}
	enough := p.size.bounce
	if enough == 0 {
		enough = p.size.lift * 3 / 4
	}
	pause.For(p.t.Context(), time.Until(p.truth.fault.Add(enough)))
	p.led()
	stop()
	all.Wait()
}

// reboot switches one group after the other off and on.
func (p *play) reboot(ctx context.Context) {
	for i := 0; ; i++ {
		h := p.crowd.boots[i%len(p.crowd.boots)]
		h.Kill()
		p.crowd.on(h) //nolint:contextcheck // the devices stay on afterwards
		if i+1 == len(p.crowd.boots) || !pause.For(ctx, p.size.reboot) {
			return
		}
	}
}

// watchOutside waits for the pager and the page, as those who need them see
// them.
func (p *play) watchOutside() {
	p.until(2*minute, func() bool {
		now := time.Now()
		if at := p.tower.Paged(p.truth.fault); p.truth.paged.IsZero() && !at.IsZero() {
			p.truth.paged = at
			p.say("the pager has it, %.1f s after the fault", at.Sub(p.truth.fault).Seconds())
		}
		if p.truth.published.IsZero() && p.unresolved() {
			p.truth.published = now
			p.say("the page has it, %.1f s after the fault", now.Sub(p.truth.fault).Seconds())
		}
		return !p.truth.paged.IsZero() && !p.truth.published.IsZero()
	})
	_, connected, err := p.crowd.look(p.t.Context())
	if err != nil {
		p.t.Error(err)
	}
	total := p.size.tcp + p.size.udp + 1
	e := p.evidence()
	overall := signal.Operational
	if e != nil {
		overall = e.Overall
	}
	p.board.Check(!p.truth.published.IsZero() && overall == signal.Partial && connected*10 > total*7, "most devices are connected, and the page says partial outage all the same",
		fmt.Sprintf("%d of %d connected, the page says %s", connected, total, overall), 46, 47)
	within := func(at time.Time) (bool, string) {
		if at.IsZero() {
			return false, "never"
		}
		took := at.Sub(p.truth.fault)
		return took <= minute || !*whole, fmt.Sprintf("%.1f s", took.Seconds()) // a small play is no measurement
	}
	ok, saw := within(p.truth.published)
	p.board.Check(ok, "within a minute of the fault the public page said so, by itself", saw, 57)
	ok, saw = within(p.truth.paged)
	p.board.Check(ok, "within a minute of the fault a page was accepted", saw, 16)
}

// unresolved tells whether programs read of an incident on the page.
func (p *play) unresolved() bool {
	var page struct{ Incidents []struct{ Status string } }
	return json.Unmarshal([]byte(p.get("/api/v2/summary.json")), &page) == nil && len(page.Incidents) > 0
}

// immediate looks at the first incident.
func (p *play) immediate() {
	i := p.incident()
	if i == nil {
		p.board.Check(false, "there is an incident", "the page has none", 1, 9, 14, 17, 54, 58, 69, 70, 72)
		return
	}
	p.key = "wt:inc:" + i.ID
	var connect, other []string
	for at := range i.Parts {
		part := &i.Parts[at]
		if part.Capability == signal.ConnectTCP || part.Capability == signal.ConnectUDP {
			connect = append(connect, string(part.Capability))
		} else if part.Severity() > signal.Operational {
			other = append(other, string(part.Capability))
		}
	}
	p.until(minute, func() bool {
		i = p.incident()
		return i != nil && i.Part(signal.ConnectTCP) != nil && i.Part(signal.ConnectUDP) != nil
	})
	good, all := p.crowd.sample(p.t.Context(), 60, anyone)
	p.board.Check(len(other) == 0 && len(connect) > 0 && good == all && all > 0, "new connections are said to fail and nothing else, and devices that are connected answer their calls",
		fmt.Sprintf("%d of %d calls answered; %s", good, all, i.Sentence), 14)
	p.board.Check(i.By == signal.ByCanary, "the public incident says who noticed first", "detected by "+string(i.By), 9)
	p.board.Leaves("first reports of customers: there is no way to report yet", 9)
	words := i.Sentence
	p.board.Check(strings.Contains(words, "cannot connect") && strings.Contains(words, "Do not reset") && strings.Contains(words, "Since") && strings.Contains(words, "Next update by") && strings.Contains(words, "already connected work"),
		"one sentence says what fails, what works, since when, what not to do and when the next word comes", words, 70)
	p.board.Check(i.NextBy.After(time.Now()) && i.NextBy.Before(time.Now().Add(31*minute)), "the next word is due within half an hour", "by "+i.NextBy.UTC().Format(time.RFC3339), 58)
	p.board.Check(i.Status == incident.Investigating || i.Status == incident.Identified, "the incident is open", string(i.Status), 72)
	short := fmt.Sprintf("/i/%d", i.Number)
	body := p.get(short)
	p.board.Check(strings.Contains(body, i.Title) && strings.Contains(body, "Next update by"), "its short address answers in HTML without login or script", short, 69, 58)
	atom, page := p.get("/history.atom"), p.get("/")
	p.board.Check(strings.Contains(atom, i.Title) && strings.Contains(page, "cannot connect"), "page, JSON and Atom feed say it", "", 57)
	p.board.Leaves("ways of an owner's own: owners have no webhooks or mails of the cloud's status", 57)
}

// people do what people do to an incident.
func (p *play) people() {
	a := p.operator("oncall", "ack", p.key)
	p.truth.acked = time.Now()
	p.say("ana acknowledges: exit code %d", a.Code)
	p.until(minute, func() bool { // it goes to the pager, too
		list := p.tower.Pager.Incidents()
		return len(list) > 0 && list[0].Acknowledged
	})
	before := p.evidence()
	a = p.operator("incident", "worsen", "1", string(signal.ConnectTCP), "operational", "All is well, nothing to see.")
	b := p.operator("incident", "dispute", "1", "I think that the canary is wrong.")
	i, e := p.incident(), p.evidence()
	p.board.Check(i != nil && e != nil && e.Overall >= before.Overall && i.Part(signal.ConnectTCP).Severity() >= signal.Partial && i.Dispute != "" && b.Code == 0,
		"an operator who says operational changes nothing; a dispute stands beside the measurement", fmt.Sprintf("refused with exit code %d; the page still says %s", a.Code, e.Overall), 56)
	p.operator("incident", "say", "1", "The service behind the front door hangs; we are replacing it.", "--identified")
	i = p.incident()
	p.board.Check(i != nil && i.Status == incident.Identified, "words of a person turn it to identified", string(i.Status), 72)
}

// answers asks the API and the command line about devices that are dark.
func (p *play) answers() {
	dark, id := p.dark()
	if dark == nil {
		p.board.Check(false, "a rebooted device is found offline", "none is", 20)
		return
	}
	i := p.incident()
	var no *client.Error
	p.until(minute, func() bool { // the cloud hears of the incident from the page
		err := echo(p.t.Context(), dark.api, id)
		return errors.As(err, &no) && no.Body.Incident != nil
	})
	if no == nil {
		p.board.Check(false, "a call to a dark device fails with an answer", "it did not", 20)
		return
	}
	text, _ := json.Marshal(no.Body)
	ok := no.Status != 401 && no.Status != 400 && !strings.Contains(strings.ToLower(string(text)), "access token") && no.Body.Device != nil && !no.Body.Device.Connected
	p.board.Check(ok, "a call to a dark device says that it is offline, never that a token is bad", fmt.Sprintf("%d %s: %s", no.Status, no.Body.Code, no.Body.Description), 20)
	p.board.Check(no.Body.Incident != nil && no.Body.Incident.ID == i.ID, "and names the open incident", "", 20, 32)
	p.board.Leaves("stock command lines: `test/compat` runs them", 20)
	a, err := dark.Run(p.t.Context(), "", "call", id, "echo", "four")
	said := strings.ToLower(a.Out + a.Err)
	p.board.Check(err == nil && a.Code != 0 && strings.Contains(said, "incident") && !strings.Contains(said, "token"), "`cyan call` says so, too", strings.TrimSpace(a.Err), 32)
	d, err := dark.Run(p.t.Context(), "", "doctor", id)
	p.board.Check(err == nil && d.Code == 10, "`cyan doctor` of a dark device says that it is the cloud", fmt.Sprintf("exit code %d: %s", d.Code, says(d.Out)), 32)
}

// dark finds a device that was rebooted and is not back.
func (p *play) dark() (*owner, string) {
	for _, o := range p.crowd.owners {
		list, err := o.api.Devices(p.t.Context())
		if err != nil {
			continue
		}
		for _, d := range list {
			if !d.Connected && d.State != "never seen" {
				return o, d.ID
			}
		}
	}
	return nil, ""
}

// says gives a verdict's sentence.
func says(verdict string) string {
	var v rest.Verdict
	if err := json.Unmarshal([]byte(verdict), &v); err != nil {
		return verdict
	}
	return v.Says
}

// led looks at the light of a device that was rebooted.
func (p *play) led() {
	var saw []string
	p.until(minute, func() bool { // a handshake that gets no answer is given up after some twenty seconds
		for {
			select {
			case line := <-p.lamp.Lines:
				var l struct{ Kind, LED string }
				if json.Unmarshal(line, &l) != nil {
					return p.red // it has ended
				}
				if l.Kind == "led" {
					saw = append(saw, l.LED)
					p.red = p.red || strings.Contains(l.LED, "red")
				}
			default:
				return p.red
			}
		}
	})
	a := p.operatorless("led", "rapid cyan, one red")
	p.board.Check(p.red && a.Code == 0 && strings.Contains(a.Out, "do not re-key"), "a device that was rebooted flashes fast cyan and one red, and `cyan led` says what that is and what not to do",
		strings.Join(tail(saw, 4), ", "), 2)
	p.board.Leaves("what the cloud saw of this attempt: here it saw none, because the fault is before it", 2)
}

// operatorless runs a command that needs nobody.
func (p *play) operatorless(args ...string) stage.Answer {
	a, err := p.cloud.Admin.Run(p.t.Context(), "", args...)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

func tail(list []string, n int) []string { return list[max(0, len(list)-n):] }
