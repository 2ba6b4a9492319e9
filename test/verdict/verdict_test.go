package verdict

import (
	"fmt"
	"io"
	"strings"
)

// Verdict is what the watchtower made of a fault. Times are in seconds from
// the fault; negative: it never came to it.
type Verdict struct {
	Row       string   `json:"row"` // of the catalogue
	Fault     string   `json:"fault"`
	How       string   `json:"how"`
	Skipped   string   `json:"skipped,omitempty"` // why it was not tried
	Quiet     bool     `json:"quiet"`             // nothing was to be said
	Ticket    string   `json:"ticket,omitempty"`  // what those who run the watchtower were told of its canaries
	Detected  float64  `json:"detected_s"`
	Published float64  `json:"published_s"`
	Paged     float64  `json:"paged_s"`
	By        string   `json:"paged_by,omitempty"` // which outlet took the page
	Said      []string `json:"said"`               // components, and how bad at worst
	Reason    string   `json:"reason,omitempty"`
	Page      string   `json:"page"`      // the sentence on top while the fault was on
	Over      float64  `json:"over_s"`    // from the end of the fault until the incident was resolved
	Incidents int      `json:"incidents"` // there should be one, or none
	Wrong     []string `json:"wrong"`     // statements that were not true
	Note      string   `json:"note,omitempty"`
	Other     string   `json:"other,omitempty"` // the verdict, where it is none of the usual
}

// Word is the verdict in a word or two.
func (v *Verdict) Word() string {
	switch {
	case v.Skipped != "":
		return "not injectable here"
	case len(v.Wrong) > 0:
		return "**wrong**"
	case v.Other != "":
		return v.Other
	case v.Quiet && v.Incidents == 0 && v.Ticket != "":
		return "a ticket, as it should be"
	case v.Quiet && v.Incidents == 0:
		return "silent, as it should be"
	case v.Quiet:
		return "seen, though it need not be"
	case v.Incidents == 0:
		return "**not seen**"
	case v.Published > 60:
		return "**seen late**"
	default:
		return "seen"
	}
}

// Print writes the table in Markdown.
func Print(w io.Writer, list []Verdict) {
	fmt.Fprintln(w, "| row | fault | verdict | detected | on the page | page taken | what it said | over after | wrong statements |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for i := range list {
		v := &list[i]
		if v.Skipped != "" {
			fmt.Fprintf(w, "| %s | %s | %s: %s | – | – | – | – | – | – |\n", v.Row, v.Fault, v.Word(), v.Skipped)
			continue
		}
		said := "nothing"
		if len(v.Said) > 0 {
			said = strings.Join(v.Said, ", ")
			if v.Reason != "" {
				said += " (" + v.Reason + ")"
			}
			said += ". “" + v.Page + "”"
		}
		if v.Ticket != "" {
			said += "; the ticket: “" + v.Ticket + "”."
		}
		if v.Note != "" {
			said += " " + v.Note
		}
		paged := sec(v.Paged)
		if v.By != "" && v.Paged >= 0 {
			paged += " (" + v.By + ")"
		}
		fmt.Fprintf(w, "| %s | %s: %s | %s | %s | %s | %s | %s | %s | %d%s |\n", v.Row, v.Fault, v.How, v.Word(),
			sec(v.Detected), sec(v.Published), paged, said, sec(v.Over), len(v.Wrong), because(v.Wrong))
	}
}

func sec(s float64) string {
	if s < 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f s", s)
}

func because(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return ": " + strings.Join(list, "; ")
}
