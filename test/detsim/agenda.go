package detsim

// happening is something that takes place at a time.
type happening struct {
	at    int64 // Unix nanoseconds
	order uint64
	do    func()
}

func (h *happening) before(other *happening) bool {
	return h.at < other.at || h.at == other.at && h.order < other.order
}

// agenda is a heap of happenings by time, then by order of planning. Each has
// four below it: it is read and written for everything that a world does.
type agenda []happening

const below = 4

// add plans something.
func (a *agenda) add(h happening) {
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

// next takes out what comes first.
func (a *agenda) next() happening {
	list := *a
	first, h := list[0], list[len(list)-1]
	list[len(list)-1] = happening{}
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
