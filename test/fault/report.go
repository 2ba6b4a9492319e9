package fault

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Result is a row of the table.
type Result struct {
	Fault    string   `json:"fault"`
	How      string   `json:"how"`
	Skipped  string   `json:"skipped,omitempty"` // why it was not tried
	Devices  int      `json:"devices"`
	BoundS   float64  `json:"bound_s"`    // the promise
	MedianS  float64  `json:"median_s"`   // from the end of the fault until half of the devices had answered a call
	RecoverS float64  `json:"recover_s"`  // until all had
	Never    int      `json:"never"`      // devices that did not within the bound
	Wrong    int      `json:"wrong"`      // answers
	Calls    int      `json:"calls"`      // that were made, before, meanwhile and afterwards
	Erred    int      `json:"erred"`      // of them, with an honest error
	Shaken   int      `json:"handshakes"` // of devices, since the fault began
	Resumed  int      `json:"resumes"`    // of sessions that devices gave up on and went on with
	Findings []string `json:"findings,omitempty"`
}

// recovered fills in what is known of the recovery: how long each device took;
// one that is missing never answered.
func (r *Result) recovered(took []time.Duration) {
	slices.Sort(took)
	r.Never = r.Devices - len(took)
	if n := len(took); n > 0 {
		r.MedianS, r.RecoverS = seconds(took[n/2]), seconds(took[n-1])
	}
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Millisecond)) / float64(time.Second)
}

// Print writes the table for people.
func Print(w io.Writer, rows []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "fault\tdevices\tmedian\tall\tpromise\tnever\twrong\tcalls\terrors\thandshakes\tresumes\thow")
	for _, r := range rows {
		if r.Skipped != "" {
			fmt.Fprintf(t, "%s\t–\t–\t–\t–\t–\t–\t–\t–\t–\t–\tnot tried: %s\n", r.Fault, r.Skipped)
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%.1f s\t%.1f s\t%.0f s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n",
			r.Fault, r.Devices, r.MedianS, r.RecoverS, r.BoundS, r.Never, r.Wrong, r.Calls, r.Erred, r.Shaken, r.Resumed, r.How)
	}
	return t.Flush()
}
