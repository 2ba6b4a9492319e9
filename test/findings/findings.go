// Package findings keeps what long tests have found, as lines of JSON in a file,
// so that one report can be made of several runs.
package findings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Add writes a finding to out, and adds it to the file at path, which need not
// be there yet. Without a path nothing is kept.
func Add(out io.Writer, path string, finding any) error {
	line, err := json.Marshal(finding)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if _, err := out.Write(line); err != nil || path == "" {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(line)
	return errors.Join(err, file.Close())
}

// Read gives the findings in a file, oldest first.
func Read[T any](path string) (all []T, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		var f T
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, f)
	}
	return all, nil
}
