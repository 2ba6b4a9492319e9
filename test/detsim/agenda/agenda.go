// Package agenda holds what is planned on simulated time, in order.
package agenda

// Happening is something that takes place at a time.
type Happening struct {
	At    int64 // Unix nanoseconds
	Order uint64
	Do    func()
}

func (h *Happening) before(other *Happening) bool {
	return h.At < other.At || h.At == other.At && h.Order < other.Order
}

// Agenda is a heap of happenings by time, then by order of planning. Each has
// four below it: it is read and written for everything that a world does.
type Agenda []Happening

const below = 4

// Add plans something.
func (a *Agenda) Add(h Happening) {
	list := append(*a, h)
	at := len(list) - 1
	for at > 0 {
		above := (at - 1) / below
		if !h.before(&list[above]) {
			break
		}
		list[at] = list[above]
		at = above
	}
	list[at] = h
	*a = list
}

// Next takes out what comes first.
func (a *Agenda) Next() Happening {
	list := *a
	first, h := list[0], list[len(list)-1]
	list[len(list)-1] = Happening{}
	list = list[:len(list)-1]
	*a = list
	if len(list) == 0 {
		return first
	}
	at := 0
	for {
		least := at*below + 1
		if least >= len(list) {
			break
		}
		for other := least + 1; other < min(at*below+1+below, len(list)); other++ {
			if list[other].before(&list[least]) {
				least = other
			}
		}
		if !list[least].before(&h) {
			break
		}
		list[at] = list[least]
		at = least
	}
	list[at] = h
	return first
}
