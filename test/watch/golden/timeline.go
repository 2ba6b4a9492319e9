package golden

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// tolerance is how far a time of the machine-written timeline may be off.
const tolerance = 15 * time.Second

// Mark is a milestone: what the timeline says, and what is known to be true.
type Mark struct {
	Name        string
	Says, Truth time.Time
	How         string // the truth is known
}

// Within tells whether the timeline is true.
func (m *Mark) Within() bool {
	return !m.Says.IsZero() && !m.Truth.IsZero() && m.Says.Sub(m.Truth).Abs() <= tolerance
}

// Off says how far off it is, in words.
func (m *Mark) Off() string {
	switch {
	case m.Says.IsZero():
		return "it says nothing"
	case m.Truth.IsZero():
		return "it never came"
	default:
		return fmt.Sprintf("%+.1f s", m.Says.Sub(m.Truth).Seconds())
	}
}

// Timeline writes the milestones, and whether they are true. Times are UTC,
// and seconds since the fault.
func Timeline(w io.Writer, zero time.Time, marks []Mark) {
	fmt.Fprintln(w, "| milestone | the timeline says | after the fault | in truth | off by | within ±15 s | how the truth is known |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for i := range marks {
		m := &marks[i]
		says, after, truth := "–", "–", "–"
		if !m.Says.IsZero() {
			says, after = clock(m.Says), fmt.Sprintf("%.1f s", m.Says.Sub(zero).Seconds())
		}
		if !m.Truth.IsZero() {
			truth = clock(m.Truth)
		}
		verdict := "**no**"
		if m.Within() {
			verdict = "yes"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |\n", m.Name, says, after, truth, m.Off(), verdict, m.How)
	}
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.0") + "Z" }

// Parallel writes the same instants in the zones of those whom it hit.
func Parallel(w io.Writer, marks []Mark, zones ...string) {
	fmt.Fprintf(w, "| milestone | UTC | %s | epoch |\n|---|---|%s---|\n", strings.Join(zones, " | "), strings.Repeat("---|", len(zones)))
	for i := range marks {
		if marks[i].Says.IsZero() {
			continue
		}
		line := []string{marks[i].Name, marks[i].Says.UTC().Format(time.RFC3339)}
		for _, name := range zones {
			zone, err := time.LoadLocation(name)
			if err != nil {
				zone = time.UTC
			}
			line = append(line, marks[i].Says.In(zone).Format("2006-01-02 15:04:05 MST"))
		}
		fmt.Fprintf(w, "| %s | %d |\n", strings.Join(line, " | "), marks[i].Says.Unix())
	}
}
