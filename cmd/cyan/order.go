package main

import "iter"

// inOrder does something to every item, to so many at once as are allowed, and
// gives the results in the order of the items as soon as they are there. It
// goes no further when nobody wants the next result; those under way end by
// themselves.
func inOrder[T, R any](items []T, atOnce int, do func(T) R) iter.Seq[R] {
	return func(yield func(R) bool) {
		results := make([]chan R, len(items))
		room := make(chan struct{}, atOnce)
		stop := make(chan struct{})
		defer close(stop)
		for i := range results {
			results[i] = make(chan R, 1) // so that nobody waits to give one
		}
		go func() { // ends with the last item, or with stop
			for i, item := range items {
				select {
				case room <- struct{}{}:
				case <-stop:
					return
				}
				go func() { // ends with the result
					results[i] <- do(item)
					<-room
				}()
			}
		}()
		for _, result := range results {
			if !yield(<-result) {
				return
			}
		}
	}
}
