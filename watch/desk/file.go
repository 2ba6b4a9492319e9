package desk

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// readFile reads what replaceFile wrote; the zero value where there is no file.
func readFile[T any](path string) (v T, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(text, &v)
}

// replaceFile replaces a file whole: whoever reads it has the one before or this.
func replaceFile(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	next := path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
