package golden

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// write writes the report in Markdown.
func (p *play) write(w io.Writer, took time.Duration) {
	s := &p.size
	fmt.Fprintf(w, "# The golden test: 31 May\n\nPlayed on %s in %.0f minutes, with %d devices of %d owners, on %d processors, by %s",
		p.truth.fault.UTC().Format("2006-01-02 at 15:04 UTC"), took.Minutes(), s.tcp+s.udp, s.owners, runtime.NumCPU(), p.command())
	if *without != "" {
		fmt.Fprintf(w, ", **without %s**", *without)
	}
	fmt.Fprintf(w, `. This file is written by it.

New connections fail, over both transports, behind doors that still accept; those who are connected go on; groups of devices are rebooted all
the while. In the middle of it the cloud is bounced, and whoever is connected over TCP is lost. When the fault is over one device in twenty
hears nothing. Cloud, watchtower, beacon, devices (%d groups of %s) and people are processes of their own; the pager is a stand-in for
PagerDuty's Events API.

## What is compressed

| on the day | here | why nothing waits for it |
|---|---|---|
| the fault lasts 2 h 15 min | %v | what is said, paged and shown is so within a minute; devices' waits between tries end at 128 s, which they reach within 11 minutes: here they reach 32 to 64 s |
| the cloud is bounced 15 min after | %v | nothing happens between |
| maintenance 13 h after, for 1 h | seconds after, for 2 min | it is announced as emergency maintenance, which may be |
| a newcomer's device 25 min after | at once | – |

Not compressed: the canaries' interval (%v) and deadline, how long it has to be calm until it is over, the counting of devices, the devices' own waits.

## Points

`, len(p.crowd.steady)+len(p.crowd.boots), "`cyan sim`", s.lift, orNever(s.bounce), s.every)
	p.board.Table(w)
	fmt.Fprint(w, "\n## The timeline that the machine wrote\n\n")
	Timeline(w, p.truth.fault, p.marks)
	fmt.Fprint(w, "\nThe same in the zones of those whom it hit:\n\n")
	Parallel(w, p.marks, "Australia/Brisbane", "America/Los_Angeles", "Asia/Kathmandu")
	fmt.Fprintf(w, "\n## What happened\n\n```text\n%s\n```\n", strings.Join(p.facts, "\n"))
}

// command is what plays this.
func (p *play) command() string {
	if *whole {
		return "`make golden`"
	}
	return "`go test ./test/watch/golden`, **which is the small play: no bounce, no maintenance, a fault of seconds**"
}

func orNever(d time.Duration) string {
	if d == 0 {
		return "not"
	}
	return d.String() + " after"
}
