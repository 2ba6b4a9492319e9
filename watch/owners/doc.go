// Package owners has pages for the customers of those who own devices: in plain
// words, under the owner's name, of the owner's devices only, whether it is the
// cloud or not, and whether to wait.
//
//	incidents, measured ─┐
//	the owner's impact ──┼─▶ View ─▶ /o/{path}, .json, .svg, .txt
//	what was known last ─┘
//
// The watchtower serves them, so they answer while the cloud is dead: what it
// told last of how many devices there are is on the disk. Nothing of the inside
// is on them, numbers are rounded, and a page is found by who knows its path.
package owners
