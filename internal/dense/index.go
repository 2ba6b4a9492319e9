package dense

import "iter"

// parts of an index grow each by itself, so that no single addition has to
// arrange everything anew.
const parts = 16

// Index finds the slots of things by their hash. What lies in a slot is the
// business of its owner, who tells hash and equality. The zero value is empty.
type Index struct{ parts [parts]part }

type part struct {
	places []uint32 // slot+1; 0: free
	used   int
}

func (x *Index) part(hash uint64) *part { return &x.parts[hash>>(64-4)] }

// home is where a hash would like to be.
func (p *part) home(hash uint64) int {
	return int(uint64(uint32(hash)) * uint64(len(p.places)) >> 32)
}

func (p *part) next(at int) int {
	if at++; at < len(p.places) {
		return at
	}
	return 0
}

// Find gives the slot with the hash that is the wanted one.
func (x *Index) Find(hash uint64, wanted func(slot uint32) bool) (slot uint32, ok bool) {
	p := x.part(hash)
	if p.used == 0 {
		return 0, false
	}
	for at := p.home(hash); p.places[at] != 0; at = p.next(at) {
		if slot = p.places[at] - 1; wanted(slot) {
			return slot, true
		}
	}
	return 0, false
}

// Add puts a slot in that is not there. hashOf gives the hash of what is in any
// slot.
func (x *Index) Add(hash uint64, slot uint32, hashOf func(slot uint32) uint64) {
	p := x.part(hash)
	if p.used >= len(p.places)/5*4 {
		p.resize(max(20, len(p.places)+len(p.places)/4), hashOf)
	}
	p.put(hash, slot)
	p.used++
}

func (p *part) put(hash uint64, slot uint32) {
	at := p.home(hash)
	for p.places[at] != 0 {
		at = p.next(at)
	}
	p.places[at] = slot + 1
}

func (p *part) resize(places int, hashOf func(slot uint32) uint64) {
	old := p.places
	p.places = make([]uint32, places)
	for _, place := range old {
		if place != 0 {
			p.put(hashOf(place-1), place-1)
		}
	}
}

// find gives the place of a slot with the hash; negative: it is not there.
func (p *part) find(hash uint64, slot uint32) int {
	if p.used == 0 {
		return -1
	}
	for at := p.home(hash); p.places[at] != 0; at = p.next(at) {
		if p.places[at] == slot+1 {
			return at
		}
	}
	return -1
}

// Remove takes a slot out, if it is there.
func (x *Index) Remove(hash uint64, slot uint32, hashOf func(slot uint32) uint64) {
	p := x.part(hash)
	hole := p.find(hash, slot)
	if hole < 0 {
		return
	}
	p.places[hole] = 0
	p.used--
	// Whoever gave way to what was here, or to one who did, moves up.
	for at := p.next(hole); p.places[at] != 0; at = p.next(at) {
		if home := p.home(hashOf(p.places[at] - 1)); p.distance(home, hole) <= p.distance(home, at) {
			p.places[hole], p.places[at] = p.places[at], 0
			hole = at
		}
	}
	if smallest := 20; len(p.places) > smallest && p.used < len(p.places)/3 {
		p.resize(max(smallest, len(p.places)/2), hashOf)
	}
}

// distance is how far it is from one place on to another.
func (p *part) distance(from, to int) int {
	if to < from {
		to += len(p.places)
	}
	return to - from
}

// Move says that what was in one slot is in another now.
func (x *Index) Move(hash uint64, from, to uint32) {
	p := x.part(hash)
	if at := p.find(hash, from); at >= 0 {
		p.places[at] = to + 1
	}
}

// Len is how many slots are in the index.
func (x *Index) Len() int {
	n := 0
	for i := range x.parts {
		n += x.parts[i].used
	}
	return n
}

// All gives the slots, in no order that means anything.
func (x *Index) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for i := range x.parts {
			for _, place := range x.parts[i].places {
				if place != 0 && !yield(place-1) {
					return
				}
			}
		}
	}
}
