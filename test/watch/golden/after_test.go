package golden

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/internal/pause"
	"github.com/cyan-cloud/cyan/test/watch/door"
	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// bounce restarts the cloud while nobody can connect: whoever is connected over
// TCP is lost.
func (p *play) bounce() {
	t := p.t
	p.cloud.Bounce()
	p.truth.bounced = time.Now()
	p.say("the cloud is bounced: a stop and a start, %.0f s after the fault", p.truth.bounced.Sub(p.truth.fault).Seconds())
	var found *rest.Annotation
	ok := p.until(minute, func() bool {
		list, err := p.crowd.owners[0].api.Annotations(t.Context(), p.truth.fault)
		if err != nil {
			return false
		}
		for i := range list.Annotations {
			if a := &list.Annotations[i]; a.Ended != nil && *a.Ended > 0 {
				found = a
			}
		}
		return found != nil
	})
	saw := "none"
	if ok {
		saw = fmt.Sprintf("%s: %s, %d sessions ended", found.Kind, string(found.Detail), *found.Ended)
	}
	p.board.Check(ok, "the restart stands in every owner's timeline, with the number of sessions that it ended", saw, 6, 81)
	p.board.Leaves("the attempts of one device in the same picture", 81)
	pause.For(t.Context(), 20*time.Second)
	good, all := p.crowd.sample(t.Context(), 60, overUDP)
	p.board.Check(good == all && all > 10, "sessions over UDP outlive the restart without a handshake, while nobody can shake hands", fmt.Sprintf("%d of %d calls answered", good, all), 7)
	p.board.Leaves("waves below a rate: a plain restart ends those on TCP at once; an upgrade ends none (`test/journey.TestUpgrade`)", 7)
	e := p.evidence()
	open := 0
	for i := range e.Incidents {
		if e.Incidents[i].Open() {
			open++
		}
	}
	p.board.Check(open == 1 && len(p.tower.Pager.Incidents()) == 1, "it is still one incident, and one alert", fmt.Sprintf("%d open, %d alerts; %s", open, len(p.tower.Pager.Incidents()), e.Headline), 1, 72)
	missing, listed := 0, 0
	for _, o := range p.crowd.owners {
		v, err := o.api.Recoveries(t.Context(), false)
		if err != nil || len(v.Recoveries) == 0 {
			continue
		}
		missing, listed = v.Recoveries[0].Missing, listed+len(v.Stragglers)+v.Unlisted
	}
	p.board.Check(listed > 0, "each owner is told by name which of the devices are not back", fmt.Sprintf("%d missing in all, %d listed by their owners' names", missing, listed), 10)
	pause.For(t.Context(), time.Until(p.truth.fault.Add(p.size.lift)))
}

// mend opens the doors. One device in twenty does not hear the cloud from then
// on, until it connects anew.
func (p *play) mend() {
	t := p.t
	pause.For(t.Context(), time.Until(p.truth.fault.Add(p.size.lift)))
	if _, _, err := p.crowd.look(t.Context()); err != nil {
		t.Error(err)
	}
	limbo := p.cloud.UDP.Deafen(0.17) // of three in ten: one in twenty of all
	p.crowd.fault(door.None)
	p.truth.lifted = time.Now()
	p.say("the doors are open again, %.0f s after the fault; %d connections on UDP hear nothing until they connect anew", p.truth.lifted.Sub(p.truth.fault).Seconds(), limbo)
	calls := make(chan string, 1)
	go func() { // ends with the context of the count
		ctx, cancel := p.bounded(10 * minute)
		defer cancel()
		last, never, wrong := p.crowd.census(ctx)
		p.truth.callable = last
		saw := fmt.Sprintf("%d of %d answered within %.0f s after the end of the fault; %d were shown as proven while they failed", p.total()-len(never), p.total(), last.Sub(p.truth.lifted).Seconds(), len(wrong))
		p.board.Check(len(never) == 0 && len(wrong) == 0, "every device answers a call without hands, and none is shown as proven while it fails call after call", saw, 12)
		if len(never) > 0 {
			p.truth.callable = time.Time{}
		}
		calls <- saw
	}()
	p.watchRecovery()
	p.say("%s", <-calls)
	all, peak := p.crowd.storm(p.truth.lifted)
	p.say("%d connections since, %.0f a second at most (over 5 s)", all, peak)
	p.closed()
}

func (p *play) total() (n int) {
	for _, o := range p.crowd.owners {
		n += len(o.list)
	}
	return n
}

// watchRecovery waits until the incident is resolved, and looks at what is said
// until then.
func (p *play) watchRecovery() {
	monitored, words := false, ""
	p.until(10*minute, func() bool {
		i := p.incident()
		if i == nil {
			return false
		}
		if i.Status == incident.Monitoring {
			monitored = true
			if r := &i.Recovery; r.Counted() && r.Open() > 0 {
				words = i.Back()
			}
		}
		return i.Status == incident.Resolved
	})
	i := p.incident()
	if i == nil {
		return
	}
	p.say("the incident is %s", i.Status)
	p.board.Check(monitored && i.Status == incident.Resolved, "investigating, identified, monitoring, resolved: each by evidence", string(i.Status), 72)
	if words != "" {
		p.say("while devices were open it said: %s", words)
	}
}

// closed looks at an incident that is over.
func (p *play) closed() {
	t := p.t
	i := p.incident()
	if i == nil {
		return
	}
	r := &i.Recovery
	p.board.Check(!p.truth.callable.IsZero() && !i.Milestones.Resolved.Before(p.truth.callable.Add(-tolerance)) && r.Counted() && r.Affected > 0,
		"it was not called resolved before every device had answered, and says so with numbers",
		fmt.Sprintf("resolved %.0f s after the last of our calls was answered; %s", i.Milestones.Resolved.Sub(p.truth.callable).Seconds(), i.Back()), 53)
	p.board.Check(r.Affected > 0, "one incident, and it counts whom it hit", i.Who(), 1)
	if r.Owners == 0 {
		p.board.Leaves("whose the devices are: the count has no owners", 1)
	}
	times := map[string]bool{}
	for at := range i.Parts {
		times[fmt.Sprintf("%s %s", i.Parts[at].Capability, clock(i.Parts[at].Until))] = true
	}
	p.board.Check(len(times) == len(i.Parts) && len(i.Parts) > 1, "each capability has the time at which it came back", fmt.Sprint(keys(times)), 11)
	var list []string
	p.until(minute, func() bool {
		list = nil
		done := true
		for _, a := range p.tower.Pager.Incidents() {
			list = append(list, fmt.Sprintf("%s: %d trigger, acknowledged %v, resolved %v", a.Key, a.Triggers, a.Acknowledged, a.Resolved))
			done = done && a.Acknowledged && a.Resolved && a.Key == p.key
		}
		return done && len(list) == 1
	})
	one := len(list) == 1 && strings.Contains(list[0], "acknowledged true, resolved true")
	p.board.Check(one, "one alert by one key: triggered, acknowledged, resolved, with the provider's receipt", strings.Join(list, "; "), 49)
	p.board.Leaves("the second outlet and a provider that is down: `watch/notify.TestFallback`", 49)
	if p.size.bounce == 0 {
		return // what never got to the cloud it does not know of
	}
	p.curve()
	hit, back := 0, 0
	for _, o := range p.crowd.owners {
		a, err := o.Run(t.Context(), "", "impact", i.ID, "--json")
		var v rest.Impact
		if err != nil || json.Unmarshal([]byte(a.Out), &v) != nil {
			p.say("cyan impact of %s: %v, %s", o.Name, err, a.Err)
			continue
		}
		hit, back = hit+v.Hit, back+v.Back
	}
	p.board.Check(hit > 0 && back == hit, "`cyan impact` tells each owner which devices it hit, and that they are back", fmt.Sprintf("%d hit, %d back", hit, back), 81)
}

func keys(m map[string]bool) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	return list
}

// curve looks at how the devices came back that the bounce had cut off.
func (p *play) curve() {
	v, err := p.crowd.owners[0].api.Recoveries(p.t.Context(), false)
	if err != nil || len(v.Recoveries) == 0 {
		p.board.Check(false, "the return of devices is on record", fmt.Sprint(err), 10)
		return
	}
	r := &v.Recoveries[0]
	var drawn []string
	for _, x := range r.Curve {
		drawn = append(drawn, fmt.Sprintf("%.0f s: %d (%d)", x.AfterS, x.Back, x.Expected))
	}
	p.board.Check(r.Affected > p.size.tcp/2 && len(r.Curve) > 3 && r.Missing == 0, "the return of devices is drawn beside what their back-off predicts",
		fmt.Sprintf("%s: %d hit, back after so long, and predicted: %s", r.Kind, r.Affected, strings.Join(drawn, ", ")), 10)
}

// newcomer has a device whose application hangs, while the cloud is well.
func (p *play) newcomer() {
	o := p.crowd.owners[len(p.crowd.owners)-1]
	sim := o.Start(p.t, filepath.Join(p.cloud.Dir, "sim", "newcomer.log"), append(p.crowd.way("udp"), "--json", "--number", "901", "--behaviour", "ack-then-hang")...)
	defer sim.End()
	var id string
	p.until(minute, func() bool {
		list, err := o.api.Devices(p.t.Context())
		for _, d := range list {
			if err == nil && d.Connected && !slices.Contains(o.list, d.ID) {
				id = d.ID
			}
		}
		return id != ""
	})
	tries := 0
	for ; tries < 3; tries++ { // as often as people try before they ask

		a, err := o.Run(p.t.Context(), "", "call", id, "echo", "four")
		said := strings.ToLower(a.Err)
		p.board.Check(err == nil && a.Code != 0 && strings.Contains(said, "its application did not answer") && !strings.Contains(said, "token"),
			"a call to a newcomer's device whose application hangs says how far it came", strings.TrimSpace(a.Err), 33)
	}
	d, err := o.Run(p.t.Context(), "", "doctor", id)
	if err != nil {
		p.t.Error(err)
	}
	p.board.Check(d.Code == 13, "`cyan doctor` says: your firmware", fmt.Sprintf("after %d calls: exit code %d: %s", tries, d.Code, says(d.Out)), 33, 32)
	p.board.Leaves("a link from the error to the page that explains it", 33)
}

// maintain announces a window in which new connections over TCP may fail, and
// lets them.
func (p *play) maintain() {
	before := len(p.tower.Pager.Incidents())
	triggers := p.tower.Paged(time.Now().Add(-time.Second))
	starts := time.Now().Add(10 * time.Second).UTC()
	a := p.operator("maintenance", "plan", "A new front door", "--reason", "The old one is worn.", "--kind", "emergency",
		"--start", starts.Format(time.RFC3339), "--for", "2m", "--effect", string(signal.ConnectTCP)+"=major_outage")
	p.say("a window is announced, exit code %d: %s", a.Code, strings.TrimSpace(a.Err))
	p.until(minute, func() bool { return p.window() != nil && p.window().Status == maintenance.InProgress })
	if err := p.cloud.TCP.Set(door.Unanswered); err != nil {
		p.t.Fatal(err)
	}
	began := time.Now()
	held := p.until(minute, func() bool {
		e := p.evidence()
		for i := range e.Components {
			if c := &e.Components[i]; c.Capability == signal.ConnectTCP && c.Severity >= signal.Partial {
				return true
			}
		}
		return false
	})
	e := p.evidence()
	page := p.get("/")
	paged := p.tower.Paged(began)
	fault := e.Incidents[len(e.Incidents)-1]
	p.board.Check(held && paged.IsZero() && triggers.IsZero() && len(p.tower.Pager.Incidents()) == before && len(e.Windows) == 1 && len(e.Incidents) == 1 && fault.Status == incident.Resolved && strings.Contains(page, "A new front door"),
		"what a window declared fails in it: it is measured and shown, nobody is paged, and incident and window are two things",
		fmt.Sprintf("%d windows, %d incidents; %s", len(e.Windows), len(e.Incidents), e.Headline), 60)
	p.board.Leaves("what begins in a window and was not declared: `watch/maintenance.TestHeldBack`", 60)
	p.board.Check(a.Code == 0 && e.Windows[0].Kind == maintenance.Emergency && strings.Contains(page, "The old one is worn."), "short notice has a kind and a reason", "emergency", 67)
	p.board.Leaves("the kind in the words of the page: only programs read it", 67)
	if err := p.cloud.TCP.Set(door.None); err != nil {
		p.t.Fatal(err)
	}
	closed := p.until(5*minute, func() bool { w := p.window(); return w != nil && w.Over() })
	w := p.window()
	p.board.Check(closed && len(p.evidence().Incidents) == 1, "the window closes after canaries came through again, and no incident is left of it", string(w.Status), 65)
	p.say("the window is %s", w.Status)
	p.board.Check(p.get(fmt.Sprintf("/m/%d", w.Number)) != "", "a window has a short address", fmt.Sprintf("/m/%d", w.Number), 69)
}

func (p *play) window() *maintenance.Window {
	if e := p.evidence(); e != nil && len(e.Windows) > 0 {
		return &e.Windows[0]
	}
	return nil
}

// bereave kills the watchtower: a beacon has to say so, and what it published
// has to call itself unknown.
func (p *play) bereave() {
	second := serveFiles(p.t, filepath.Join(p.cloud.Dir, "export"))
	p.tower.Kill()
	killed := time.Now()
	p.say("the watchtower is killed")
	told := p.until(2*minute, func() bool { return len(p.beacon.Taken()) > 0 })
	saw := "nobody"
	if told {
		saw = fmt.Sprintf("after %.0f s: %s", time.Since(killed).Seconds(), p.beacon.Taken()[0].Body)
	}
	p.board.Check(told, "a watchtower that dies is noticed by another, within two minutes", strings.TrimSpace(saw), 16)
	p.board.Leaves("real boards: `test/watch.TestBoard`", 16)
	unknown := p.until(4*minute, func() bool { return p.operatorless("status", "--status-url", second).Code == 20 })
	p.board.Check(unknown, "what it had published on another host is called unknown by who reads it", fmt.Sprintf("after %.0f s", time.Since(killed).Seconds()), 59)
	p.board.Leaves("in a browser: `watch/status.TestStale`", 59)
}
