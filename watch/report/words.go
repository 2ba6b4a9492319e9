package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/incident"
)

// Headline sums the month up in sentences, the one that matters most first.
func (r *Report) Headline() []string {
	began := 0
	for i := range r.Incidents {
		if !r.Incidents[i].Earlier {
			began++
		}
	}
	var list []string
	switch {
	case began == 0:
		list = append(list, "No incident began in this month.")
	case r.ToldFirst == 0:
		list = append(list, fmt.Sprintf("%s began; of none a customer told us first.", count(began, "incident")))
	default:
		list = append(list, fmt.Sprintf("%s began; of %d a customer told us first. That has to be 0.", count(began, "incident"), r.ToldFirst))
	}
	if began > 0 {
		list = append(list, fmt.Sprintf("Customers are known to have reported %d of them.", r.Reported))
	}
	if worst := r.worst(); worst != nil {
		list = append(list, fmt.Sprintf("The least available was %s, with %s.", worst.Name, worst.Share()))
	}
	if !r.Over {
		list = append(list, "The month is not over: so far.")
	}
	return list
}

// worst is the capability that was the least available.
func (r *Report) worst() (worst *Part) {
	for i := range r.Parts {
		if p := &r.Parts[i]; p.Available != nil && (worst == nil || *p.Available < *worst.Available) {
			worst = p
		}
	}
	return worst
}

// Share is how available it was, in words. It never says 100 % of what was not.
func (p *Part) Share() string {
	switch {
	case p.Available == nil:
		return "not known"
	case p.Partial+p.Major == 0:
		return "100 %"
	default:
		return fmt.Sprintf("%.3f %%", min(*p.Available*100, 99.999))
	}
}

// Out is for how long it was in an outage, in words.
func (p *Part) Out() string { return span(p.Partial + p.Major) }

// Slow is for how long it was degraded.
func (p *Part) Slow() string { return span(p.Degraded) }

// Work is for how long it failed as maintenance had announced.
func (p *Part) Work() string { return span(p.Maintenance) }

// Blind is for how long nobody looked.
func (p *Part) Blind() string { return span(p.Unknown) }

// Words say how long it took.
func (t *Took) Words() string {
	switch {
	case t.Count == 0 && t.Never == 0:
		return "nothing to measure"
	case t.Count == 0:
		return fmt.Sprintf("never, in %s", count(t.Never, "incident"))
	}
	text := fmt.Sprintf("median %s, at worst %s", after(t.Median), after(t.Worst))
	if t.Never > 0 {
		text += fmt.Sprintf("; never in %d", t.Never)
	}
	return text
}

// Line gives the times of an incident, in words.
func (i *Incident) Line() string {
	return fmt.Sprintf("detected after %s, paged after %s, published after %s, acknowledged after %s", after(i.Detected), after(i.Paged), after(i.Published), after(i.Acknowledged))
}

// Long is how long it lasted.
func (i *Incident) Long() string {
	text := span(int(i.Lasted))
	if i.Ended.IsZero() {
		text += ", and goes on"
	}
	return text
}

// Bad is how bad it was at its worst.
func (i *Incident) Bad() string { return strings.ReplaceAll(i.Worst.String(), "_", " ") }

func after(s *float64) string {
	switch {
	case s == nil:
		return "never"
	case *s < 120:
		return fmt.Sprintf("%.1f s", *s)
	default:
		return span(int(*s))
	}
}

func span(seconds int) string {
	if seconds == 0 {
		return "none"
	}
	return incident.Span(time.Duration(seconds) * time.Second)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// plain takes from words what would be markup, or end a line of a table.
func plain(words string) string {
	return strings.NewReplacer("\n", " ", "|", `\|`, "<", "&lt;", "`", "'", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "#", `\#`).Replace(words)
}

// Markdown writes the report for a mail or a wiki.
func (r *Report) Markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s in %s\n", plain(r.Name), r.Month)
	line("%s\n", strings.Join(r.Headline(), " "))
	line("From %s until %s. A partial outage counts as an outage.\n", stamp(r.From), stamp(r.Until))
	line("## Availability\n\n| capability | available | out | degraded | maintenance | not measured |\n|---|---|---|---|---|---|")
	for i := range r.Parts {
		p := &r.Parts[i]
		line("| %s | %s | %s | %s | %s | %s |", p.Name, p.Share(), p.Out(), p.Slow(), p.Work(), p.Blind())
	}
	line("\n## How fast\n\n| from the first failure | |\n|---|---|\n| to detect | %s |\n| to page | %s |\n| to publish | %s |", r.Detect.Words(), r.Page.Words(), r.Publish.Words())
	line("\n## Incidents\n")
	if len(r.Incidents) == 0 {
		line("None.")
	}
	for i := range r.Incidents {
		in := &r.Incidents[i]
		line("### [%d](%s): %s\n", in.Number, in.URL, plain(in.Title))
		line("Since %s, for %s; at worst %s. Noticed by %s: %s. **%s.**\n", stamp(in.Began), in.Long(), in.Bad(), in.By, in.Line(), upper(in.AheadWords))
		if len(in.Told) > 0 {
			line("| when | who | told whom | what |\n|---|---|---|---|")
		}
		for _, t := range in.Told {
			line("| %s | %s | %s | %s |", stamp(t.At), plain(t.Who), plain(t.Whom), plain(t.What))
		}
		line("")
	}
	line("## Maintenance\n")
	if len(r.Windows) == 0 {
		line("None.")
	}
	for _, w := range r.Windows {
		line("- %d, %s (%s, %s): %s to %s", w.Number, plain(w.Title), words(string(w.Kind)), words(string(w.Status)), stamp(w.Starts), stamp(w.Ends))
	}
	line("\n## Drill\n\n%s\n", r.Drilled())
	line("Generated at %s.", stamp(r.Generated))
	return b.String()
}

// Drilled says when an outage was last had on purpose.
func (r *Report) Drilled() string {
	d := r.Drill
	switch {
	case d == nil:
		return "None is known."
	case d.Detected == 0:
		return "The last, of " + stamp(d.At) + ", nobody noticed."
	case d.Paged == 0:
		return fmt.Sprintf("The last, of %s, was detected after %.1f s, and nobody was paged.", stamp(d.At), d.Detected)
	default:
		return fmt.Sprintf("The last, of %s, was detected after %.1f s, paged after %.1f s and published after %.1f s.", stamp(d.At), d.Detected, d.Paged, d.Published)
	}
}

func words(state string) string { return strings.ReplaceAll(state, "_", " ") }

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
