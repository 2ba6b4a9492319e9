// Package build knows which build of cyan is running: the answer to the
// first question of every bug report.
package build

import (
	"runtime"
	"runtime/debug"
	"strings"
)

// version is set by the linker (see the Makefile); a plain `go build` leaves
// it empty.
var version string

// Info describes the running binary.
type Info struct {
	Version  string `json:"version"`            // "v0.1.0", "v0.1.0-12-gabc1234-dirty" or "devel"
	Revision string `json:"revision,omitempty"` // commit, when the toolchain stamped it
	Time     string `json:"time,omitempty"`     // of that commit, RFC 3339 in UTC
	Go       string `json:"go"`
	Platform string `json:"platform"` // "linux/arm64"
}

// Current gives the description of this binary.
func Current() Info {
	stamp, _ := debug.ReadBuildInfo()
	return describe(version, stamp)
}

// describe puts the linker's version before the module's, and that before
// nothing at all.
func describe(linked string, stamp *debug.BuildInfo) Info {
	info := Info{Version: linked, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if stamp == nil {
		stamp = &debug.BuildInfo{}
	}
	for _, s := range stamp.Settings {
		switch s.Key {
		case "vcs.revision":
			info.Revision = s.Value
		case "vcs.time":
			info.Time = s.Value
		}
	}
	if info.Version == "" {
		info.Version = strings.Trim(stamp.Main.Version, "()")
	}
	if info.Version == "" {
		info.Version = "devel"
	}
	return info
}

// String is the line that `cyan version` prints.
func (i Info) String() string {
	s := "cyan " + i.Version + " " + i.Platform + " " + i.Go
	if i.Revision != "" {
		s += " " + i.Revision
	}
	return s
}
