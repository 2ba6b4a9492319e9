package lane

import "time"

// timers is a heap of connections by the time at which they are due. A
// connection's due time mostly moves away, with every packet, so it is only
// brought forward here at once; what comes up too early is looked at and put
// back.
type timers struct{ heap []*conn }

// arm sees to it that c comes up no later than within the millisecond after t.
// Zero takes it out.
func (h *timers) arm(c *conn, t time.Time) {
	if t.IsZero() {
		h.remove(c)
		return
	}
	ms := t.Add(time.Millisecond - 1).UnixMilli() // not before t
	switch {
	case c.place == 0:
		c.due = ms
		h.heap = append(h.heap, c)
		c.place = uint32(len(h.heap))
		h.up(int(c.place) - 1)
	case ms < c.due:
		c.due = ms
		h.up(int(c.place) - 1)
	}
}

func (h *timers) remove(c *conn) {
	if c.place == 0 {
		return
	}
	i, last := int(c.place)-1, len(h.heap)-1
	h.swap(i, last)
	h.heap[last] = nil
	h.heap = h.heap[:last]
	c.place, c.due = 0, 0
	if i < last {
		h.up(i)
		h.down(i)
	}
}

// stuckWait is how long a timer is put off that is due again as soon as it was
// served. It would hold up the lane and every device in it.
const stuckWait = time.Second

// putOff puts c off if it is due at now still, and tells whether it was.
func (h *timers) putOff(c *conn, now time.Time) bool {
	if c.place == 0 || c.due > now.UnixMilli() {
		return false
	}
	h.remove(c)
	h.arm(c, now.Add(stuckWait))
	return true
}

// pop takes out the first connection that is due at now; nil: none is.
func (h *timers) pop(now time.Time) *conn {
	if len(h.heap) == 0 || h.heap[0].due > now.UnixMilli() {
		return nil
	}
	c := h.heap[0]
	h.remove(c)
	return c
}

// next tells when the first connection is due; zero: none is armed.
func (h *timers) next() time.Time {
	if len(h.heap) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(h.heap[0].due)
}

func (h *timers) swap(i, j int) {
	h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
	h.heap[i].place, h.heap[j].place = uint32(i+1), uint32(j+1)
}

func (h *timers) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if h.heap[parent].due <= h.heap[i].due {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *timers) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.heap); child++ {
			if h.heap[child].due < h.heap[least].due {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

// bucket is a token bucket that limits how often something may be done.
type bucket struct {
	rate, burst float64 // per second, and at once
	level       float64
	at          time.Time
}

func (b *bucket) take(now time.Time) bool {
	if b.at.IsZero() {
		b.level = b.burst
	} else {
		b.level = min(b.burst, b.level+now.Sub(b.at).Seconds()*b.rate)
	}
	b.at = now
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}
