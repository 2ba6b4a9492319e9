package status

import (
	"fmt"
	"html"

	"github.com/cyan-cloud/cyan/watch/signal"
)

// badge is the state of the whole as a small picture. Its width is reckoned
// from the letters, because an SVG cannot measure them.
func (s *scene) badge() []byte {
	text, colour := "works", "#2b7d5b"
	switch s.Overall() {
	case signal.Degraded:
		text, colour = "degraded", "#946300"
	case signal.Partial:
		text, colour = "partial outage", "#b4501a"
	case signal.Major:
		text, colour = "outage", "#b03535"
	default:
		switch {
		case s.status().Indicator == "maintenance":
			text, colour = "maintenance", "#3767b1"
		case len(s.silent()) > 0:
			text, colour = "partly unknown", "#666c74"
		}
	}
	if s.unknown {
		text, colour = "unknown", "#666c74"
	}
	name := html.EscapeString(s.Page.Name)
	left, right := 20+len([]rune(s.Page.Name))*7, 20+len(text)*7
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="24" role="img" aria-label="%s: %s">
<title>%s: %s, at %s</title>
<clipPath id="r"><rect width="%d" height="24" rx="5"/></clipPath>
<g clip-path="url(#r)"><rect width="%d" height="24" fill="#3a4046"/><rect x="%d" width="%d" height="24" fill="%s"/></g>
<g fill="#fff" font-family="system-ui,Verdana,sans-serif" font-size="12" text-anchor="middle"><text x="%d" y="16">%s</text><text x="%d" y="16">%s</text></g>
</svg>
`, left+right, name, text, name, text, s.At.UTC().Format("2006-01-02 15:04 UTC"), left+right, left, left, right, colour, left/2, name, left+right/2, text)
}
