package dtls

// WindowSize is how many sequence numbers behind the newest a record may lag. RFC 6347 §4.1.2.6.
const WindowSize = 64

// Window remembers which sequence numbers were received. The zero value has received none.
type Window struct {
	Top  uint64 // the newest number
	Mask uint64 // bit i: Top−i was received; 0 only while nothing was
}

// Fresh reports whether seq is neither received nor too old.
func (w *Window) Fresh(seq uint64) bool {
	if w.Mask == 0 || seq > w.Top {
		return true
	}
	back := w.Top - seq
	return back < WindowSize && w.Mask>>back&1 == 0
}

// Mark notes seq as received. To be called only for a record that proved authentic, or anybody could close the window.
func (w *Window) Mark(seq uint64) {
	switch {
	case w.Mask == 0:
		w.Top, w.Mask = seq, 1
	case seq > w.Top:
		w.Mask = w.Mask<<(seq-w.Top) | 1 // a shift of 64 or more leaves 0
		w.Top = seq
	case w.Top-seq < WindowSize:
		w.Mask |= 1 << (w.Top - seq)
	}
}
