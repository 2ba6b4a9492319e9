package live

import (
	"fmt"
	"io"
	"time"

	"github.com/cyan-cloud/cyan/sim"
)

// Print makes cfg write what the device shows and notes to w, a line each:
//
//	15:04:05.123  LED  fast blinking cyan: shaking hands with the cloud
//	15:04:05.130       handshake done
//
// Lines below least are left out.
func Print(cfg *Config, w io.Writer, least sim.Level) {
	const clock = "15:04:05.000"
	cfg.OnLED = func(now time.Time, led sim.LED) {
		fmt.Fprintf(w, "%s  LED  %s: %s\n", now.Format(clock), led, led.Meaning())
	}
	cfg.OnNote = func(now time.Time, level sim.Level, text string) {
		if level >= least {
			fmt.Fprintf(w, "%s       %s\n", now.Format(clock), text)
		}
	}
}
