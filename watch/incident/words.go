package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// Clock writes a time for people: with its zone, and with its day where that
// is not the reader's.
func Clock(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04 UTC")
	}
	return t.Format("2006-01-02 15:04 UTC")
}

// failure says, for each severity, what a customer meets.
var failure = map[signal.Capability][3]string{
	signal.ConnectTCP: {"some devices that start now cannot connect over TCP", "most devices that start now cannot connect over TCP", "devices that start now cannot connect over TCP"},
	signal.ConnectUDP: {"some devices that start now cannot connect over UDP", "most devices that start now cannot connect over UDP", "devices that start now cannot connect over UDP"},
	signal.Connected:  {"some devices that are connected do not answer", "most devices that are connected do not answer", "devices that are connected do not answer"},
	signal.Calls:      {"some function calls fail", "most function calls fail", "function calls fail"},
	signal.Variables:  {"some variables cannot be read", "most variables cannot be read", "variables cannot be read"},
	signal.Events:     {"some events do not arrive", "most events do not arrive", "events do not arrive"},
	signal.API:        {"some API requests or logins fail", "most API requests or logins fail", "the API and logins fail"},
	signal.Console:    {"the console works for some only", "the console does not work for most", "the console does not work"},
}

// success says what works when a capability does.
var success = map[signal.Capability]string{
	signal.ConnectTCP: "devices connect over TCP", signal.ConnectUDP: "devices connect over UDP",
	signal.Connected: "devices already connected work", signal.Calls: "function calls work",
	signal.Variables: "variables work", signal.Events: "events work", signal.API: "the API works",
	signal.Console: "the console works",
}

// Fails says what fails, as a customer meets it; empty when nothing does.
func (i *Incident) Fails() string {
	return i.fails(func(p *Part) signal.Severity { return p.Severity() })
}

// Title names the incident by the worst that it was.
func (i *Incident) Title() string {
	if title := i.fails(func(p *Part) signal.Severity { return p.Worst }); title != "" {
		return title
	}
	return "Incident " + itoa(i.Number)
}

func (i *Incident) fails(how func(*Part) signal.Severity) string {
	worst := make(map[signal.Capability]signal.Severity)
	for at := range i.Parts {
		worst[i.Parts[at].Capability] = how(&i.Parts[at])
	}
	var list []string
	tcp, udp := worst[signal.ConnectTCP], worst[signal.ConnectUDP]
	if tcp > signal.Operational && udp > signal.Operational {
		// Both doors are one sentence: nobody should have to know which is which.
		// Where one is worse than the other, most devices are hit and not all.
		both := tcp
		if tcp != udp {
			both = signal.Partial
		}
		list = append(list, strings.TrimSuffix(failure[signal.ConnectTCP][both-1], " over TCP"))
		delete(worst, signal.ConnectTCP)
		delete(worst, signal.ConnectUDP)
	}
	for _, c := range signal.Capabilities() {
		if s := worst[c]; s > signal.Operational {
			list = append(list, failure[c][s-1])
		}
	}
	return capital(joined(list))
}

// Works lists the capabilities that nothing is known to be wrong with.
func (i *Incident) Works() []signal.Capability {
	var list []signal.Capability
	for _, c := range signal.Capabilities() {
		if slices.Contains(i.Elsewhere, c) || slices.Contains(i.Unmeasured, c) {
			continue
		}
		if p := i.Part(c); p == nil || p.Severity() == signal.Operational {
			list = append(list, c)
		}
	}
	return list
}

// StillWorks says in a sentence the most important of what works.
func (i *Incident) StillWorks() string {
	var list []string
	for _, c := range i.Works() {
		switch c {
		case signal.Connected, signal.Calls, signal.API:
			list = append(list, success[c])
		case signal.ConnectTCP, signal.ConnectUDP:
			other := signal.ConnectTCP
			if c == signal.ConnectTCP {
				other = signal.ConnectUDP
			}
			if p := i.Part(other); p != nil && p.Severity() > signal.Operational {
				list = append(list, success[c])
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	return capital(joined(list)) + "."
}

// Who says whom it hit; empty as long as nobody has counted.
func (i *Incident) Who() string {
	if i.Recovery.Affected == 0 {
		return ""
	}
	who := number(i.Recovery.Affected, "device")
	if i.Recovery.Owners > 0 {
		who += " of " + number(i.Recovery.Owners, "owner")
	}
	return who
}

// Why says what the failures have in common; empty as long as that is not
// known.
func (i *Incident) Why() string {
	var list []string
	for _, c := range i.Culprits {
		list = append(list, fmt.Sprintf("%.0f %% of the failures are %s (%.0f %% fail there, %.0f %% elsewhere)", c.Explains*100, c.What, c.Inside*100, c.Rest*100))
	}
	return joined(list)
}

// Back says how the devices are doing that it hit, with connected, answering
// and missing kept apart; empty as long as nobody counts.
func (i *Incident) Back() string {
	r := &i.Recovery
	if !r.Counted() || r.Affected == 0 {
		return ""
	}
	text := fmt.Sprintf("Of %s that it hit %d are connected and answer, %d are connected and do not answer, %d are missing",
		number(r.Affected, "device"), r.Answering, r.Limbo(), r.Missing)
	if r.Listed > 0 {
		text += fmt.Sprintf("; %d of these are listed by name", r.Listed)
	}
	return text + "."
}

// Words is the incident in a paragraph, as it is now: what fails, what works,
// since when, for whom, why, what to do, and when there is more.
func (i *Incident) Words(now time.Time) string {
	var list []string
	say := func(s string) {
		if s != "" {
			list = append(list, s)
		}
	}
	switch {
	case i.Status == Resolved:
		say(fmt.Sprintf("It worked again at %s, after %s.", Clock(i.Monitoring, now), Span(i.Lasted(now))))
		if last := i.last(); last.After(i.Monitoring) {
			say("What it had cut off worked again by " + Clock(last, now) + ".")
		}
		say(i.Back())
		if !i.Recovery.Counted() {
			say("Nobody counted the devices that it hit.")
		}
		return strings.Join(list, " ")
	case i.Failing():
		say(i.Fails() + ".")
		say(i.StillWorks())
		say("Since " + Clock(i.Began, now) + ".")
		if who := i.Who(); who != "" {
			say("It hit " + who + ".")
		}
		if why := i.Why(); why != "" {
			say(why + ".")
		}
	default:
		if last := i.last(); last.After(i.Monitoring) {
			say(fmt.Sprintf("The fault ended at %s, after %s; what it had cut off worked again by %s.", Clock(i.Monitoring, now), Span(i.Lasted(now)), Clock(last, now)))
		} else {
			say(fmt.Sprintf("Nothing has failed since %s; it lasted %s.", Clock(i.Monitoring, now), Span(i.Lasted(now))))
		}
		say(i.Back())
		if !i.Recovery.Until.IsZero() && i.Recovery.Open() > 0 {
			say("Recovering until " + Clock(i.Recovery.Until, now) + ".")
		}
	}
	for _, a := range i.Advice(now) {
		say(a)
	}
	say(i.Next(now))
	return strings.Join(list, " ")
}

// Next says when the next word is due, or for how long it has been.
func (i *Incident) Next(now time.Time) string {
	switch {
	case !i.Open():
		return ""
	case i.Overdue(now):
		return fmt.Sprintf("No update for %s: one was due by %s.", Span(now.Sub(i.Updated)), Clock(i.NextBy, now))
	default:
		return "Next update by " + Clock(i.NextBy, now) + "."
	}
}

// Span writes a length of time for people.
func Span(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

func number(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return itoa(n) + " " + of + "s"
}

// joined makes a list a part of a sentence.
func joined(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
