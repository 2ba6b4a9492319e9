package notify

import (
	"strings"
	"time"
	"unicode"
)

// Kind is what happened to an alert.
type Kind string

// The kinds. A change is not of an alert: a deploy or a window of maintenance,
// told to whoever wants to know and waking nobody.
const (
	Trigger     Kind = "trigger"
	Update      Kind = "update"
	Remind      Kind = "remind" // nobody has said that they have it; only the pipeline says so
	Acknowledge Kind = "acknowledge"
	Resolve     Kind = "resolve"
	Change      Kind = "change"
)

// pages tells whether a notice is to call somebody.
func (k Kind) pages() bool { return k == Trigger || k == Remind }

// Severity is how much of a hurry there is, in the words of PagerDuty.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	Error    Severity = "error"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// urgent tells whether somebody is to be woken.
func (s Severity) urgent() bool { return s == Critical || s == Error }

// Notice is a change of an alert, as people shall hear of it.
type Notice struct {
	ID        string    `json:"id"`  // of this change; a second notice with it is ignored
	Key       string    `json:"key"` // of the alert, the same from trigger to resolve; ≤ 255 bytes
	Kind      Kind      `json:"kind"`
	Severity  Severity  `json:"severity,omitempty"` // empty: error
	Summary   string    `json:"summary"`            // one line, ≤ 1,024 bytes
	Details   []Detail  `json:"details,omitempty"`  // in the order in which they are shown
	Links     []Link    `json:"links,omitempty"`
	Component string    `json:"component,omitempty"` // what of the cloud: a capability's id
	Group     string    `json:"group,omitempty"`     // where: the culprit slice
	Class     string    `json:"class,omitempty"`     // how it fails
	By        string    `json:"by,omitempty"`        // who acknowledged
	At        time.Time `json:"at"`
	Event     string    `json:"event,omitempty"` // what webhooks call it; empty: by its kind, such as alert.opened
	Test      bool      `json:"test,omitempty"`  // an exercise: goes to every outlet at once, and says so

	// AckURL is a page on which a person says "I have it". The pipeline fills it
	// in for outlets that page; it is never written down.
	AckURL string `json:"-"`
}

// Detail is a fact with its name.
type Detail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Link is a place to look at.
type Link struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// Bounds of what a notice holds. Names of devices and evidence come from
// strangers, so everything is cut to these and made plain.
const (
	maxKey     = 255 // PagerDuty's, in bytes
	maxSummary = 1024
	maxDetail  = 2048
	maxDetails = 32
	maxLinks   = 8
	maxURL     = 2048
)

// plain gives n as it may be shown: bounded, each text of printable
// characters, the summary on one line, links only to web pages.
func (n Notice) plain() Notice {
	n.Summary = cut(oneLine(n.Summary), maxSummary)
	n.Component, n.Group, n.Class = cut(oneLine(n.Component), maxKey), cut(oneLine(n.Group), maxKey), cut(oneLine(n.Class), maxKey)
	n.By = cut(oneLine(n.By), maxKey)
	var details []Detail
	for _, d := range n.Details[:min(len(n.Details), maxDetails)] {
		details = append(details, Detail{cut(oneLine(d.Name), maxKey), cut(printable(d.Value), maxDetail)})
	}
	var links []Link
	for _, l := range n.Links[:min(len(n.Links), maxLinks)] {
		if len(l.URL) <= maxURL && webPage(l.URL) {
			links = append(links, Link{cut(oneLine(l.Text), maxKey), l.URL})
		}
	}
	n.Details, n.Links = details, links
	if n.Severity == "" && n.Kind != Change {
		n.Severity = Error
	}
	return n
}

// webPage tells whether u begins like an address of the web and holds nothing
// that could end it early.
func webPage(u string) bool {
	return (strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://")) &&
		!strings.ContainsFunc(u, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`"<>\`, r) })
}

// printable takes out what would change the look of a text: control and format
// characters (the latter can turn the direction of writing), and broken UTF-8.
func printable(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return ' '
		}
		return r
	}, s)
}

func oneLine(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }

// cut shortens s to most bytes, at the end of a character, and shows that.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}
