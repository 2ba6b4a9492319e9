package build

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestDescribe(t *testing.T) {
	stamp := func(module, revision string) *debug.BuildInfo {
		return &debug.BuildInfo{
			Main:     debug.Module{Version: module},
			Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.time", Value: "2026-11-22T15:00:00Z"}},
		}
	}
	for _, tc := range []struct {
		name, linked, version, revision string
		stamp                           *debug.BuildInfo
	}{
		{name: "linker first", linked: "v1.2.3", stamp: stamp("v0.0.1", "abc"), version: "v1.2.3", revision: "abc"},
		{name: "then the module", stamp: stamp("v0.0.1", "abc"), version: "v0.0.1", revision: "abc"},
		{name: "working copy", stamp: stamp("(devel)", ""), version: "devel"},
		{name: "not stamped", version: "devel"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := describe(tc.linked, tc.stamp)
			if got.Version != tc.version || got.Revision != tc.revision {
				t.Errorf("describe = %q at %q, want %q at %q", got.Version, got.Revision, tc.version, tc.revision)
			}
		})
	}
}

func TestStringNamesWhatABugReportNeeds(t *testing.T) {
	got := Info{Version: "v1.2.3", Platform: "linux/arm64", Go: "go1.26", Revision: "abc"}.String()
	if got != "cyan v1.2.3 linux/arm64 go1.26 abc" {
		t.Errorf("String = %q", got)
	}
	if got := Current().String(); !strings.HasPrefix(got, "cyan ") || !strings.Contains(got, "/") {
		t.Errorf("Current = %q, want a version and a platform", got)
	}
}
