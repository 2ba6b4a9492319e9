package status

import (
	"encoding/xml"
	"html"
	"slices"
	"time"
)

// news is something that a feed tells: an update of an incident or a window.
type news struct {
	id, title, link, text string
	at                    time.Time
}

// feedMost is how many pieces of news a feed has.
const feedMost = 50

// news lists what feeds tell, newest first.
func (s *scene) news() []news {
	var list []news
	for at := range s.Incidents {
		i := &s.Incidents[at]
		updates := i.Updates()
		for n := range updates {
			e := &updates[n]
			list = append(list, news{
				s.link("incidents", i.ID) + "#" + e.At.Format("20060102T150405.000Z") + string(e.Kind),
				"[" + string(e.Status) + "] " + i.Title(), s.link("incidents", i.ID), body(e), e.At,
			})
		}
	}
	for at := range s.Windows {
		w := &s.Windows[at]
		for n := range w.Timeline {
			e := &w.Timeline[n]
			list = append(list, news{
				s.link("maintenance", w.ID) + "#" + e.At.Format("20060102T150405.000Z") + string(e.Status),
				"[maintenance " + string(e.Status) + "] " + w.Title, s.link("maintenance", w.ID), e.Text, e.At,
			})
		}
	}
	slices.SortStableFunc(list, func(a, b news) int { return b.at.Compare(a.at) })
	return list[:min(feedMost, len(list))]
}

// atomFeed is RFC 4287.
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Title   string      `xml:"title"`
	ID      string      `xml:"id"`
	Updated string      `xml:"updated"`
	Links   []atomLink  `xml:"link"`
	Author  atomAuthor  `xml:"author"`
	Entries []atomEntry `xml:"entry"`
}

type atomAuthor struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	Title   string   `xml:"title"`
	ID      string   `xml:"id"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
	Content atomText `xml:"content"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

func (s *scene) atom() ([]byte, error) {
	f := atomFeed{
		Title: s.Page.Name + " status", ID: s.Page.URL + "/", Updated: s.At.UTC().Format(time.RFC3339),
		Links:  []atomLink{{Href: s.Page.URL + "/"}, {"self", s.Page.URL + "/history.atom"}},
		Author: atomAuthor{s.Page.Name},
	}
	for i, n := range s.news() {
		at := n.at.UTC().Format(time.RFC3339)
		if i == 0 {
			f.Updated = at // a feed that tells nothing new has not changed
		}
		f.Entries = append(f.Entries, atomEntry{n.title, n.id, at, atomLink{Href: n.link}, atomText{"text", n.text}})
	}
	return marked(f)
}

// rssFeed is RSS 2.0.
type rssFeed struct {
	XMLName xml.Name   `xml:"rss"`
	Version string     `xml:"version,attr"`
	Channel rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title       string    `xml:"title"`
	Link        string    `xml:"link"`
	Description string    `xml:"description"`
	Items       []rssItem `xml:"item"`
}

type rssItem struct {
	Title       string  `xml:"title"`
	Link        string  `xml:"link"`
	GUID        rssGUID `xml:"guid"`
	PubDate     string  `xml:"pubDate"`
	Description string  `xml:"description"`
}

type rssGUID struct {
	IsPermaLink bool   `xml:"isPermaLink,attr"`
	Text        string `xml:",chardata"`
}

func (s *scene) rss() ([]byte, error) {
	f := rssFeed{Version: "2.0", Channel: rssChannel{
		Title: s.Page.Name + " status", Link: s.Page.URL + "/", Description: "Incidents and maintenance of " + s.Page.Name,
	}}
	for _, n := range s.news() {
		// Readers take a description for HTML, so the text is escaped twice.
		f.Channel.Items = append(f.Channel.Items, rssItem{n.title, n.link, rssGUID{false, n.id}, n.at.UTC().Format(time.RFC1123Z), html.EscapeString(n.text)})
	}
	return marked(f)
}

// marked writes a feed with its declaration.
func marked(f any) ([]byte, error) {
	text, err := xml.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}
