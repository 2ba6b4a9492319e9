// Package apart starts the processes of a benchmark so that they don't take each
// other's processor: what is measured has cores of its own, who loads it has the
// others. On a machine with one core, and on systems where cores can't be chosen,
// all share what there is.
package apart

import "slices"

// Cores are processors by their numbers; none: any.
type Cores []int

// halves shares out processors: one half to what is measured, the other, the
// larger one of an odd number, to who loads it.
func halves(all Cores) (measured, load Cores) {
	if len(all) < 2 {
		return nil, nil
	}
	half := len(all) / 2
	return slices.Clone(all[:half]), slices.Clone(all[half:])
}
