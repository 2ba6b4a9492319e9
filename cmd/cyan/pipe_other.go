//go:build !unix

package main

import "context"

// whileRead gives a context of its own: here a program finds out by writing
// that nobody reads.
func (c *cli) whileRead(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}
