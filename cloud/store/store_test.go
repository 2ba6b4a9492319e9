package store_test

import (
	"path/filepath"
	"testing"

	"github.com/cyan-cloud/cyan/cloud/store"
	"github.com/cyan-cloud/cyan/cloud/store/storetest"
)

func TestFile(t *testing.T) {
	storetest.Run(t, storetest.Database{New: func(t *testing.T) func(store.Config) (*store.Store, error) {
		path := filepath.Join(t.TempDir(), "cyan.db")
		return func(cfg store.Config) (*store.Store, error) {
			cfg.Path = path
			return store.Open(t.Context(), cfg)
		}
	}})
}

func TestMemory(t *testing.T) {
	storetest.Run(t, storetest.Database{Volatile: true, New: func(t *testing.T) func(store.Config) (*store.Store, error) {
		return func(cfg store.Config) (*store.Store, error) { return store.Open(t.Context(), cfg) }
	}})
}
