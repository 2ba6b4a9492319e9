package main

import (
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fleetColumns are what a fleet's file can have, in the order of an export.
// Only id is needed; columns may stand in any order.
var fleetColumns = []string{"id", "name", "key", "fingerprint", "product", "notes"}

// otherColumns are names that people give to the same.
var otherColumns = map[string]string{
	"device_id": "id", "deviceid": "id", "device id": "id", "public_key": "key", "key_file": "key", "sha256": "fingerprint",
	"product_id": "product", "note": "notes", "device_name": "name",
}

// fleetRow is a device in a fleet's file.
type fleetRow struct {
	line                     int
	id, name, product, notes string
	key                      []byte // SPKI; nil: the file has none
	err                      error  // what is wrong with the row
}

// readFleet reads a fleet's file. An error is about the whole file; what is
// wrong with a row stands in it. Files of keys are looked for beside it.
func readFleet(path string) ([]fleetRow, error) {
	in, dir := io.Reader(os.Stdin), "."
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fail(exitNotFound, err.Error())
		}
		defer f.Close()
		in, dir = f, filepath.Dir(path)
	}
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = -1, true, '#'
	head, err := r.Read()
	if err != nil {
		return nil, misuse(path+" has no first line with the names of its columns", "such as: id,name,key,product,notes")
	}
	columns, err := columnsOf(head)
	if err != nil {
		return nil, err
	}
	var rows []fleetRow
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, checkTwins(rows)
		}
		line, _ := r.FieldPos(0)
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, misuse(fmt.Sprintf("%s line %d: %v", path, e.Line, e.Err), "is a quotation mark missing?")
		} else if err != nil {
			return nil, err
		}
		if len(record) == 1 && strings.TrimSpace(record[0]) == "" {
			continue
		}
		rows = append(rows, rowOf(record, columns, dir, line))
	}
}

// columnsOf finds out what each column is.
func columnsOf(head []string) ([]string, error) {
	var columns []string
	for _, name := range head {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if other, ok := otherColumns[name]; ok {
			name = other
		}
		switch {
		case !slices.Contains(fleetColumns, name):
			return nil, misuse(fmt.Sprintf("there is no column %q", name), "the first line names the columns: "+strings.Join(fleetColumns, ", "))
		case slices.Contains(columns, name):
			return nil, misuse(fmt.Sprintf("the column %s is there twice", name))
		}
		columns = append(columns, name)
	}
	if !slices.Contains(columns, "id") {
		return nil, misuse("there is no column id", "the first line names the columns: "+strings.Join(fleetColumns, ", "))
	}
	return columns, nil
}

// rowOf reads one row.
func rowOf(record, columns []string, dir string, line int) fleetRow {
	row := fleetRow{line: line}
	if len(record) > len(columns) {
		row.err = misuse(fmt.Sprintf("%d fields, and the first line names %d columns", len(record), len(columns)))
	}
	var key, wanted string
	for i, field := range record[:min(len(record), len(columns))] {
		field = strings.TrimSpace(field)
		switch columns[i] {
		case "id":
			row.id = field
		case "name":
			row.name = field
		case "key":
			key = field
		case "fingerprint":
			wanted = strings.ToLower(field)
		case "product":
			row.product = field
		case "notes":
			row.notes = field
		}
	}
	id, err := deviceID(row.id)
	if err == nil {
		row.id = id
		row.key, err = fleetKey(key, dir)
	}
	if err == nil {
		err = checkFingerprint(wanted, row.key)
	}
	if row.err == nil {
		row.err = err
	}
	return row
}

// checkFingerprint wants a key to have a fingerprint, in any of the ways that
// people write those. None: any key will do.
func checkFingerprint(wanted string, key []byte) error {
	wanted = strings.NewReplacer(":", "", " ", "").Replace(strings.TrimPrefix(wanted, "sha256:"))
	switch {
	case wanted == "" || key != nil && wanted == fingerprint(key):
		return nil
	case key == nil:
		return misuse("a fingerprint without a key: the cloud lets a device in by its whole key")
	}
	return fail(exitConflict, "the key has another fingerprint, sha256:"+fingerprint(key), "is it another board's key?")
}

// fleetKey reads a key from a field: a file's name, PEM, or the DER in base64.
// An empty field is no key.
func fleetKey(field, dir string) ([]byte, error) {
	if field == "" {
		return nil, nil
	}
	if strings.HasPrefix(field, "-----BEGIN") {
		return publicOf([]byte(field), "the field key")
	}
	path := field
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	data, err := os.ReadFile(path)
	if err == nil {
		return publicOf(data, field)
	}
	if der, wrong := base64.StdEncoding.DecodeString(field); wrong == nil && len(der) > 40 {
		return publicOf(der, "the field key")
	}
	return nil, fail(exitNotFound, "no key: "+err.Error(), "key is a file beside this one, PEM, or DER in base64")
}

// checkTwins marks rows that contradict an earlier one.
func checkTwins(rows []fleetRow) error {
	ids, names, keys := map[string]int{}, map[string]int{}, map[string]int{}
	twin := func(seen map[string]int, word string, row *fleetRow, what string) {
		if word == "" || row.err != nil {
			return
		}
		if first, ok := seen[word]; ok {
			row.err = fail(exitConflict, fmt.Sprintf("line %d has that %s already", first, what))
			return
		}
		seen[word] = row.line
	}
	for i := range rows {
		row := &rows[i]
		twin(ids, row.id, row, "id")
		twin(names, strings.ToLower(row.name), row, "name")
		twin(keys, string(row.key), row, "key")
	}
	if len(rows) == 0 {
		return misuse("the file has no devices in it: only a first line")
	}
	return nil
}
