// Package boards keeps the list of the real boards that are canaries: a file in
// the watchtower's folder, which may name commands and is only ever read from
// this machine.
package boards

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/cyan-cloud/cyan/watch/canary"
)

// File is the name of the list of real boards in the watchtower's folder.
const File = "boards.yaml"

// Board is a real device that is a canary.
type Board = canary.Board

// Read reads a list of real boards; without the file there are none.
func Read(path string) (list []Board, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	in := yaml.NewDecoder(bytes.NewReader(text))
	in.KnownFields(true)
	if err := in.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	seen := map[string]bool{}
	for _, b := range list {
		if b.Device == "" {
			return nil, fmt.Errorf("%s: a board has a device: its id or name", path)
		}
		if seen[b.Device] {
			return nil, fmt.Errorf("%s: the board %s is there twice", path, b.Device)
		}
		seen[b.Device] = true
	}
	return list, nil
}

// Add adds a board to a list, or replaces its line; replaced tells that.
func Add(path string, b Board) (replaced bool, err error) {
	list, err := Read(path)
	if err != nil {
		return false, err
	}
	if at := slices.IndexFunc(list, func(x Board) bool { return x.Device == b.Device }); at >= 0 {
		list[at], replaced = b, true
	} else {
		list = append(list, b)
	}
	return replaced, write(path, list)
}

// Remove takes a board off a list; false: it is not on it.
func Remove(path, device string) (bool, error) {
	list, err := Read(path)
	if err != nil {
		return false, err
	}
	left := slices.DeleteFunc(slices.Clone(list), func(b Board) bool { return b.Device == device })
	if len(left) == len(list) {
		return false, nil
	}
	return true, write(path, left)
}

// write replaces the list whole: whoever reads it meanwhile reads one or
// the other.
func write(path string, list []Board) error {
	text, err := yaml.Marshal(list)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	next := path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
