// Package intern keeps one of each text that many have alike, as the standard
// library's unique does, for those who have tens of thousands of texts for as long
// as a fleet is connected. The texts lie together, page by page. One by one, among
// what a storm of handshakes leaves to the collector, each would hold a span of
// 8 KiB for itself: of 100,000 idle devices that was a fifth of the memory.
//
// A page goes when none of its texts is used any more, so a text that is used
// holds at most its page.
package intern

import (
	"hash/maphash"
	"strings"
	"weak"

	"github.com/cyan-cloud/cyan/internal/dense"
)

// A page has room for so many texts, and for so many bytes of them. What is
// longer than long lies by itself, and takes its page no room.
const (
	pageTexts = 64
	pageBytes = 3072
	long      = 512
)

// page is never moved and never filled anew: who has a text points into it.
type page struct {
	texts [pageTexts]string
	count int
	bytes strings.Builder
}

// Table is a set of texts, for one user at a time. The zero value is empty.
type Table struct {
	seed  maphash.Seed
	pages []weak.Pointer[page] // by number; a slot is number*pageTexts + place
	tags  [][pageTexts]uint64  // hashes, of pages that have gone, too
	index dense.Index
	free  []uint32 // numbers of pages that have gone
	swept int      // where the search for such goes on

	open   *page // which texts are added to
	number uint32
}

// Of gives the one text that is like s, which it copies if there was none.
func (t *Table) Of(s string) *string {
	if t.open == nil {
		t.seed = maphash.MakeSeed()
		t.turn()
	}
	hash := maphash.String(t.seed, s) | 1
	var found *string
	_, ok := t.index.Find(hash, func(slot uint32) bool {
		if t.tag(slot) != hash {
			return false
		}
		p := t.pages[slot/pageTexts].Value()
		if p == nil || p.texts[slot%pageTexts] != s {
			return false
		}
		found = &p.texts[slot%pageTexts]
		return true
	})
	if ok {
		return found
	}
	return t.add(hash, s)
}

func (t *Table) tag(slot uint32) uint64 { return t.tags[slot/pageTexts][slot%pageTexts] }

func (t *Table) add(hash uint64, s string) *string {
	p := t.open
	if p.count == pageTexts || len(s) <= long && p.bytes.Len()+len(s) > pageBytes {
		p = t.turn()
	}
	i := p.count
	p.count++
	if len(s) <= long {
		begin := p.bytes.Len()
		p.bytes.WriteString(s) // there is room: it does not move
		p.texts[i] = p.bytes.String()[begin:]
	} else {
		p.texts[i] = strings.Clone(s)
	}
	t.tags[t.number][i] = hash
	t.index.Add(hash, t.number*pageTexts+uint32(i), t.tag)
	return &p.texts[i]
}

// turn opens a new page, and forgets two that have gone, if two next in turn have:
// so there are never many of those.
func (t *Table) turn() *page {
	for range min(2, len(t.pages)) {
		t.sweep(uint32(t.swept))
		t.swept = (t.swept + 1) % len(t.pages)
	}
	p := new(page)
	p.bytes.Grow(pageBytes)
	if last := len(t.free) - 1; last >= 0 {
		t.number, t.free = t.free[last], t.free[:last]
		t.pages[t.number] = weak.Make(p)
	} else {
		t.number = uint32(len(t.pages))
		t.pages, t.tags = append(t.pages, weak.Make(p)), append(t.tags, [pageTexts]uint64{})
	}
	t.open = p
	return p
}

// sweep takes a page's texts out if it has gone. No hash is 0: that stands for
// a place that was not taken.
func (t *Table) sweep(number uint32) {
	if t.pages[number] == (weak.Pointer[page]{}) || t.pages[number].Value() != nil {
		return
	}
	for i, hash := range t.tags[number] {
		if slot := number*pageTexts + uint32(i); hash != 0 {
			t.index.Remove(hash, slot, t.tag)
		}
	}
	t.pages[number], t.tags[number] = weak.Pointer[page]{}, [pageTexts]uint64{}
	t.free = append(t.free, number)
}

// Len is how many texts there are, some of those among them that nobody uses
// any more.
func (t *Table) Len() int { return t.index.Len() }
