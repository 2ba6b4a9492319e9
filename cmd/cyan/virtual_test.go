package main

import (
	"bytes"
	"path/filepath"
	"sync"
	"testing"
)

// TestManyOpenANurseryAtOnce: virtual devices that are started at the same
// moment, for the first time, are of one secret.
func TestManyOpenANurseryAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "secret")
	var found [16]nursery
	var errs [16]error
	var all sync.WaitGroup
	for i := range found {
		all.Go(func() { found[i], errs[i] = openNursery(path) })
	}
	all.Wait()
	for i := range found {
		if errs[i] != nil || !bytes.Equal(found[i].secret, found[0].secret) || len(found[i].secret) != secretSize {
			t.Errorf("%d: %x, %v", i, found[i].secret, errs[i])
		}
	}
}
