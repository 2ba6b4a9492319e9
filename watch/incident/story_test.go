package incident_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/signal"
)

var update = flag.Bool("update", false, "write what came out to the transcripts")

// TestStories plays what was judged, counted and done by people, and compares
// what the book made of it. Every change also goes through JSON into a second
// book, as a journal would bring it back: both must stay the same.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := player{t: t, book: incident.NewBook(), twin: incident.NewBook()}
			for line := range strings.Lines(string(archive.Files[0].Data)) {
				p.play(strings.TrimSpace(line))
			}
			for _, i := range p.book.List() {
				p.tell(i)
			}
			if *update {
				archive.Files = append(archive.Files[:1], txtar.File{Name: "out", Data: []byte(p.out.String())})
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := ""
			if len(archive.Files) > 1 {
				want = string(archive.Files[1].Data)
			}
			if diff := cmp.Diff(want, p.out.String()); diff != "" {
				t.Errorf("(-want +got; -update writes it)\n%s", diff)
			}
		})
	}
}

type player struct {
	t          *testing.T
	book, twin *incident.Book
	count      incident.Recovery
	now        time.Time
	out        strings.Builder
}

// play does one line:
//
//	05:00:20 judge new-connections-tcp major_outage since 05:00:00 [culprit 0.97 TCP on gateway-2]
//	05:00:30 blind | pass 10m | count affected=400 …
//	05:01:00 say|dispute|ack|worsen|accepted|published …
func (p *player) play(line string) {
	if line == "" || line[0] == '#' {
		return
	}
	word := strings.Fields(line)
	if word[0] == "pass" {
		d, err := time.ParseDuration(word[1])
		p.must(err)
		for until := p.now.Add(d); p.now.Before(until); {
			p.now = p.now.Add(time.Second)
			p.show(p.book.Apply(p.now, nil, p.fresh()))
		}
		return
	}
	p.now = p.clock(word[0])
	switch rest := strings.Join(word[2:], " "); word[1] {
	case "judge", "blind":
		var list []signal.Judgement
		for one := range strings.SplitSeq(rest, ";") {
			list = append(list, p.judgement(strings.Fields(one), word[1] == "blind"))
		}
		p.show(p.book.Apply(p.now, list, p.fresh()))
	case "count":
		p.counted(word[2:])
	case "say":
		p.one(p.book.Say(p.now, "1", "ana", rest, false))
	case "identified":
		p.one(p.book.Say(p.now, "#1", "ana", rest, true))
	case "dispute":
		p.one(p.book.Dispute(p.now, "1", "ben", rest))
	case "ack":
		p.one(p.book.Acknowledge(p.now, "1", "ana"))
	case "accepted":
		p.one(p.book.PageAccepted(p.now, "1", rest))
	case "published":
		p.one(p.book.Published(p.now, "1", rest))
	case "worsen", "declare":
		var s signal.Severity
		p.must(s.UnmarshalText([]byte(word[3])))
		id := map[string]string{"worsen": "1"}[word[1]]
		p.one(p.book.Worsen(p.now, id, "ana", signal.Capability(word[2]), s, strings.Join(word[4:], " ")))
	default:
		p.t.Fatalf("no such word: %s", line)
	}
}

func (p *player) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *player) clock(s string) time.Time {
	at, err := time.Parse("2006-01-02 15:04:05", "2020-05-31 "+s)
	p.must(err)
	return at
}

func (p *player) judgement(word []string, blind bool) signal.Judgement {
	j := signal.Judgement{At: p.now, Capability: signal.Capability(word[0]), By: signal.ByCanary, Vantages: 2, Blind: blind}
	p.must(j.Severity.UnmarshalText([]byte(word[1])))
	if j.Severity > signal.Operational {
		j.Failed, j.Tried, j.Reason = 4, 6, "timeout"
	}
	for i := 2; i < len(word); i++ {
		switch word[i] {
		case "since":
			j.Since = p.clock(word[i+1])
		case "culprit":
			part, err := strconv.ParseFloat(word[i+1], 64)
			p.must(err)
			j.Culprits = []signal.Culprit{{What: strings.Join(word[i+2:], " "), Explains: part, Inside: 0.98, Rest: 0.01}}
		}
	}
	return j
}

// counted sets the count that is taken anew from now on, every second.
func (p *player) counted(word []string) {
	p.count = incident.Recovery{}
	for _, w := range word {
		name, value, _ := strings.Cut(w, "=")
		n, err := strconv.Atoi(value)
		p.must(err)
		*map[string]*int{
			"affected": &p.count.Affected, "owners": &p.count.Owners, "connected": &p.count.Connected,
			"answering": &p.count.Answering, "missing": &p.count.Missing, "listed": &p.count.Listed,
		}[name] = n
	}
	p.count.At = p.now
}

func (p *player) fresh() incident.Recovery {
	if p.count.Counted() {
		p.count.At = p.now
	}
	return p.count
}

func (p *player) one(c incident.Change, err error) {
	if err != nil {
		fmt.Fprintf(&p.out, "%s refused: %v\n", p.now.Format("15:04:05"), err)
		return
	}
	p.show([]incident.Change{c})
}

func (p *player) show(changes []incident.Change) {
	for _, c := range changes {
		page := ""
		if c.Kind.Pages() {
			page = " (pages)"
		}
		fmt.Fprintf(&p.out, "%s #%d %s%s, %s: %s\n", c.At.Format("15:04:05"), c.Incident.Number, c.Kind, page, c.Incident.Status, c.Text)
		text, err := json.Marshal(c)
		p.must(err)
		var kept incident.Change
		p.must(json.Unmarshal(text, &kept))
		p.twin.Replay(kept)
	}
	for _, c := range changes {
		one, _ := p.book.Get(c.Incident.ID)
		other, _ := p.twin.Get(c.Incident.ID)
		if diff := cmp.Diff(one, other); diff != "" || p.book.Blind() != p.twin.Blind() {
			p.t.Fatalf("what the journal brings back is something else (-book +replayed):\n%s", diff)
		}
	}
}

// tell writes an incident down as it ended.
func (p *player) tell(i incident.Incident) {
	fmt.Fprintf(&p.out, "\n#%d %s %q began %s by %s, worst %s, lasted %s\n", i.Number, i.ID, i.Title(), i.Began.Format("15:04:05"), i.By, i.Worst(), incident.Span(i.Lasted(p.now)))
	for _, part := range i.Parts {
		fmt.Fprintf(&p.out, "  %s: %s, at worst %s\n", part.Capability, part.Severity(), part.Worst)
	}
	for _, e := range i.Timeline {
		fmt.Fprintf(&p.out, "  %s %s %s", e.At.Format("15:04:05"), e.Kind, e.Who)
		for _, s := range e.Shifts {
			fmt.Fprintf(&p.out, " [%s %s → %s]", s.Capability, s.From, s.To)
		}
		p.out.WriteByte('\n')
	}
	marks, err := json.MarshalIndent(i.Milestones(), "  ", "  ")
	p.must(err)
	fmt.Fprintf(&p.out, "  %s\n", marks)
}
