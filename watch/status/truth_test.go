package status_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/blog/atom"

	"github.com/cyan-cloud/cyan/watch/incident"
	"github.com/cyan-cloud/cyan/watch/maintenance"
	"github.com/cyan-cloud/cyan/watch/moment"
	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/watch/status"
)

// lies are what each form says when all is well, and may say then only.
var lies = map[string]string{
	"/": "Everything works.", "/api/v2/status.json": `"none"`, "/api/v2/summary.json": "All Systems Operational", "/index.json": `"none"`, "/badge.svg": ">works<",
}

func rendered(t *testing.T, v *status.View, path string, now time.Time) string {
	t.Helper()
	body, _, err := v.Render(path, now)
	if err != nil || body == nil {
		t.Fatal(path, err)
	}
	return string(body)
}

// TestNobodyLooks: a component at which nobody has looked for five minutes does
// not work, as far as anybody knows, while the others go on working.
func TestNobodyLooks(t *testing.T) {
	v := scenes(t, 3, 3)["green"]
	for i := range v.Components {
		v.Components[i].Recent = status.Measured{OK: 5, Tried: 5, Over: 5 * time.Minute}
	}
	if page := rendered(t, v, "/", v.At); !strings.Contains(page, lies["/"]) {
		t.Fatal("a page of what works does not say so")
	}
	calls := &v.Components[3]
	calls.Recent = status.Measured{Over: 5 * time.Minute}
	for path, lie := range lies {
		if strings.Contains(rendered(t, v, path, v.At), lie) {
			t.Errorf("%s says %q although nobody looks at %s", path, lie, calls.Capability)
		}
	}
	if page := rendered(t, v, "/", v.At); !strings.Contains(page, "Nobody has looked lately at: Function calls.") {
		t.Error("the page does not say at what nobody looks")
	}
	each(fetched(t, v, "/api/v2/components.json", v.At)["components"], func(c any) {
		o := c.(object)
		if silent := o["name"] == calls.Capability.String(); silent != (o["status"] != "operational") {
			t.Errorf("%s is %s", o["name"], o["status"])
		}
	})
	var h status.History
	h.Note(v.At, v.Components, false)
	h.Note(v.At.Add(10*time.Second), v.Components, false)
	if d := h.Of(calls.Capability); len(d) != 1 || d[0].Good != 0 || d[0].Unknown != 10 {
		t.Errorf("the day counts %+v", d)
	}
	calls.Measured = status.Measured{OK: 6, Tried: 6, Over: time.Hour} // once in ten minutes: that is its pace
	if page := rendered(t, v, "/", v.At); !strings.Contains(page, lies["/"]) {
		t.Error("a canary that runs seldom is missed between its runs")
	}
}

// TestOnlyTheAddress: a page that has only seen the public address says in no
// form that everything works.
func TestOnlyTheAddress(t *testing.T) {
	v := scenes(t, 3, 3)["green"]
	v.Components = slices.DeleteFunc(v.Components, func(c status.Component) bool { return c.Capability != signal.API })
	for path, lie := range lies {
		if strings.Contains(rendered(t, v, path, v.At), lie) {
			t.Errorf("%s says %q although only %s is measured", path, lie, v.Components[0].Capability)
		}
	}
	if page := rendered(t, v, "/", v.At); !strings.Contains(page, "What is measured works, but not everything is measured") || !strings.Contains(page, "Nobody has looked lately at: New connections (TCP)") {
		t.Error(v.Headline(v.At))
	}
	var e status.Evidence
	if err := json.Unmarshal([]byte(rendered(t, v, "/evidence.json", v.At)), &e); err != nil || len(e.Unmeasured) != 6 {
		t.Errorf("unmeasured: %v, %v", e.Unmeasured, err)
	}
}

// TestStaleAfter: who reads a copy that cannot change is told in each form from
// when on it is unknown.
func TestStaleAfter(t *testing.T) {
	v := scenes(t, 3, 3)["green"]
	want := v.At.Add(3 * time.Minute)
	for _, path := range []string{"/api/v2/summary.json", "/api/v2/status.json", "/evidence.json"} {
		var got struct {
			StaleAfter time.Time `json:"stale_after"`
			Page       struct {
				StaleAfter time.Time `json:"stale_after"`
			}
		}
		if err := json.Unmarshal([]byte(rendered(t, v, path, v.At)), &got); err != nil || !got.StaleAfter.Equal(want) && !got.Page.StaleAfter.Equal(want) {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
	if page := rendered(t, v, "/", v.At); !strings.Contains(page, "<code>stale_after</code>") {
		t.Error("the page does not say so")
	}
}

// TestNoRelativeDays: nothing that is published says "yesterday", "today" or
// "tomorrow": its readers are in other zones.
func TestNoRelativeDays(t *testing.T) {
	for name, v := range scenes(t, 3, 3) {
		for _, path := range paths(v) {
			body, _, _ := strings.Cut(rendered(t, v, path, v.At), "<script>")
			if loose := moment.Loose(body); loose != "" && !strings.Contains(loose, ":") {
				t.Errorf("%s%s says %q", name, path, loose)
			}
		}
	}
}

// TestBeingChecked: a window whose time is over is not called done, nor what it
// touched working, before it has passed its check.
func TestBeingChecked(t *testing.T) {
	s := newStage(t, 3, 3)
	s.pass(time.Minute)
	s.must(s.plans.Plan(s.now, maintenance.Window{
		Kind: maintenance.Emergency, Title: "New database", Reason: "It is full.", Who: "ana", Zone: "UTC", Starts: s.now, Ends: s.now.Add(10 * time.Minute),
		Effects: []maintenance.Effect{{Capability: signal.Calls, Worst: signal.Partial}},
	}))
	s.pass(11 * time.Minute)
	v := s.view()
	page := rendered(t, v, "/", v.At)
	if strings.Contains(page, lies["/"]) || !strings.Contains(page, "what it touched is being checked.") || !strings.Contains(page, "<dt>Check</dt><dd>Function calls: nobody measures it.</dd>") {
		t.Error(v.Headline(v.At), v.Windows[0].Checks)
	}
	each(fetched(t, v, "/api/v2/components.json", v.At)["components"], func(c any) {
		o := c.(object)
		if checked := o["name"] == signal.Calls.String(); checked != (o["status"] == "under_maintenance") {
			t.Errorf("%s is %s", o["name"], o["status"])
		}
	})
	s.pass(6 * time.Minute)
	if v = s.view(); !strings.Contains(rendered(t, v, "/", v.At), lies["/"]) || !strings.Contains(rendered(t, v, "/m/1", v.At), "Nobody measures what it touched: Function calls.") {
		t.Error(v.Headline(v.At))
	}
}

// TestComingBackIsCounted: that devices come back is said when somebody counts
// them, and only then.
func TestComingBackIsCounted(t *testing.T) {
	s := newStage(t, 3, 3)
	s.pass(time.Minute, fails(signal.ConnectTCP, signal.Major))
	s.pass(20*time.Second, fails(signal.ConnectTCP, signal.Operational))
	v := s.view()
	if page := rendered(t, v, "/", v.At); strings.Contains(page, "coming back") || !strings.Contains(v.Headline(v.At), "being watched") {
		t.Errorf("nobody counts devices, and it says: %s", v.Headline(v.At))
	}
	v.Incidents[0].Recovery = incident.Recovery{At: v.At, Affected: 9, Connected: 9, Answering: 9}
	if got := v.Headline(v.At); !strings.Contains(got, "answer") {
		t.Error(got)
	}
	if v.Restarts = (status.Restarts{}); strings.Contains(rendered(t, v, "/", v.At), "started <b") {
		t.Error("nobody counts restarts, and the page has a number")
	}
}

// TestOneNumber: every form has the same number for a component, which is the
// one that was measured, in each state.
func TestOneNumber(t *testing.T) {
	for name, v := range scenes(t, 3, 3) {
		page := strings.ReplaceAll(rendered(t, v, "/", v.At), "\u00a0", " ")
		var e status.Evidence
		if err := json.Unmarshal([]byte(rendered(t, v, "/evidence.json", v.At)), &e); err != nil {
			t.Fatal(err)
		}
		for i := range v.Components {
			c := &v.Components[i]
			if e.Components[i].OK != c.Measured.OK || e.Components[i].Tried != c.Measured.Tried || e.Components[i].Recent.Tried != c.Recent.Tried {
				t.Errorf("%s: the evidence has %+v of %+v", name, e.Components[i], c)
			}
			if words := " of " + strconv.Itoa(c.Measured.Tried) + " tries succeeded"; !strings.Contains(page, words) {
				t.Errorf("%s: the page does not say%s", name, words)
			}
		}
		if name == "blind" {
			continue
		}
		n := 0
		each(fetched(t, v, "/api/v2/components.json", v.At)["components"], func(c any) {
			if want := v.Components[n].Words(); c.(object)["description"] != want {
				t.Errorf("%s: %v, want %s", name, c.(object)["description"], want)
			}
			n++
		})
	}
}

// TestAtom reads the feed with somebody else's reader: it has what RFC 4287
// asks for, and an entry for each thing that was said.
func TestAtom(t *testing.T) {
	for name, v := range scenes(t, 3, 3) {
		var f atom.Feed
		if err := xml.Unmarshal([]byte(rendered(t, v, "/history.atom", v.At)), &f); err != nil {
			t.Fatal(name, err)
		}
		if _, err := time.Parse(time.RFC3339, string(f.Updated)); err != nil || f.ID == "" || f.Title == "" || f.Author == nil || f.Author.Name == "" {
			t.Errorf("%s: the feed is %+v", name, f)
		}
		if !slices.ContainsFunc(f.Link, func(l atom.Link) bool { return l.Rel == "self" }) {
			t.Errorf("%s: the feed does not say where it is", name)
		}
		said, ids := 0, map[string]bool{}
		for i := range v.Incidents {
			said += len(v.Incidents[i].Updates())
		}
		for i := range v.Windows {
			said += len(v.Windows[i].Timeline)
		}
		for _, e := range f.Entry {
			ids[e.ID] = true
			if _, err := time.Parse(time.RFC3339, string(e.Updated)); err != nil || e.Title == "" || len(e.Link) != 1 || e.Content == nil || e.Content.Body == "" {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if len(f.Entry) != said || len(ids) != said {
			t.Errorf("%s: %d entries with %d ids for %d things that were said", name, len(f.Entry), len(ids), said)
		}
	}
}

// TestRSS holds what RSS 2.0 asks for.
func TestRSS(t *testing.T) {
	for name, v := range scenes(t, 3, 3) {
		var f struct {
			Version string `xml:"version,attr"`
			Channel struct {
				Title       string `xml:"title"`
				Link        string `xml:"link"`
				Description string `xml:"description"`
				Item        []struct {
					Title, Link, Description, PubDate, GUID string
				} `xml:"item"`
			} `xml:"channel"`
		}
		if err := xml.Unmarshal([]byte(rendered(t, v, "/history.rss", v.At)), &f); err != nil {
			t.Fatal(name, err)
		}
		if f.Version != "2.0" || f.Channel.Title == "" || !strings.HasPrefix(f.Channel.Link, "https://") || f.Channel.Description == "" {
			t.Errorf("%s: %+v", name, f)
		}
		body := rendered(t, v, "/history.rss", v.At)
		for at := range strings.SplitSeq(body, "<pubDate>") {
			date, _, ok := strings.Cut(at, "</pubDate>")
			if _, err := time.Parse(time.RFC1123Z, date); ok && err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if strings.Count(body, "<guid") != len(f.Channel.Item) {
			t.Errorf("%s: %d items", name, len(f.Channel.Item))
		}
	}
}

// TestTimesHaveTheirZone: no time on any page is without its zone, and each has
// a form for machines.
func TestTimesHaveTheirZone(t *testing.T) {
	all := scenes(t, 3, 3)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		v := all[name]
		for _, path := range []string{"/", "/history", "/i/1", "/m/1"} {
			body, _, err := v.Render(path, v.At)
			if err != nil {
				t.Fatal(err)
			}
			for n, part := range strings.Split(string(body), "<time ") {
				if n == 0 {
					continue
				}
				tag, rest, _ := strings.Cut(part, ">")
				text, _, _ := strings.Cut(rest, "<")
				if !strings.Contains(tag, `datetime="20`) || !strings.HasSuffix(text, " UTC") {
					t.Errorf("%s%s: %s", name, path, fmt.Sprintf("<time %s>%s", tag, text))
				}
			}
		}
	}
}
