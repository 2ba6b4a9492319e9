package archtest

import (
	"fmt"
	"slices"
	"strings"
)

const depthLimit = 3 // folders from the root to a package

// Names that say what layer something is, and not what it is about.
var emptyNames = []string{
	"pkg", "util", "utils", "common", "base", "core", "model", "models", "service", "services", "handler",
	"handlers", "helper", "helpers", "misc", "shared", "types", "interfaces",
}

// Names that belong to somebody else. The project works with their devices
// and is not theirs.
var foreignNames = []string{"particle", "photon", "argon", "boron", "electron", "tachyon"}

// folders keeps the tree shallow and its names telling.
func folders(t *Tree) []Finding {
	var all []Finding
	for _, p := range t.Packages {
		elements := strings.Split(p.Dir, "/")
		if len(elements) > depthLimit {
			all = append(all, Finding{
				p.Dir, 0, fmt.Sprintf("%d folders deep, the limit is %d", len(elements), depthLimit),
				"find it a place nearer to the root",
			})
		}
		last := elements[len(elements)-1]
		if slices.Contains(emptyNames, last) || slices.Contains(emptyNames, p.Name) {
			all = append(all, Finding{p.Dir, 0, "a name that says nothing", "name it after what it is about"})
		}
		for _, name := range foreignNames {
			if strings.Contains(last, name) || strings.Contains(p.Name, name) {
				all = append(all, Finding{p.Dir, 0, "somebody else's trademark in a name", "use the protocol's own word, spark"})
			}
		}
	}
	return all
}
