package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/wire/rest"
)

const importHelp = `Registers every device of a CSV file as yours. The first line names the columns:
  id           24 hexadecimal digits; the only one that is needed
  name         by which you call it
  key          its key: a file beside the CSV file, PEM, or DER in base64;
               public or private: only the public half leaves this machine
  fingerprint  SHA-256 of the public key's DER, to be sure that it is the key
  product      that it belongs to
  notes        for yourself

Doing it again changes nothing, so an import that was interrupted is taken up by
the same line. All rows are checked before the first is sent; a row that is wrong
does not keep the others from being registered, and is named with its line. If
there is one, the exit code is not 0: 18 if others are done. --check only checks.`

func (c *cli) deviceImportVerb() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use: "import FILE.csv", Short: "Register a whole file of devices", Args: takes(1, 1, "FILE.csv"), Long: importHelp,
		Example: `  cyan device import batch-7.csv --check
  cyan device import batch-7.csv
  cyan device import - --json < batch-7.csv | jq -r 'select(.ok | not) | "\(.line): \(.error)"'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			rows, err := readFleet(args[0])
			if err != nil {
				return err
			}
			im := importer{c: c, rows: rows}
			if check {
				return im.report(im.checked())
			}
			if im.remote, err = c.remote(); err != nil {
				return err
			}
			if err := im.look(cmd.Context()); err != nil {
				return err
			}
			return im.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "read the file and its keys, and send nothing")
	c.targetFlags(cmd)
	return cmd
}

// importer registers the devices of a file.
type importer struct {
	c      *cli
	remote *client.Client
	rows   []fleetRow
	known  map[string]rest.Device // what the user has already, by id
}

// imported is what became of a row.
type imported struct {
	OK        bool   `json:"ok"`
	Line      int    `json:"line"`
	ID        string `json:"id"`
	Name      string `json:"name,omitempty"`
	Result    string `json:"result,omitempty"` // added, changed, unchanged, or good of --check
	Error     string `json:"error,omitempty"`
	Code      string `json:"code,omitempty"`
	RequestID string `json:"request_id,omitempty"`

	err error
}

// look finds out which devices the user has.
func (im *importer) look(ctx context.Context) error {
	devices, err := im.remote.Devices(ctx)
	im.known = make(map[string]rest.Device, len(devices))
	for _, d := range devices {
		im.known[d.ID] = d
	}
	return err
}

// checked are the rows as --check finds them.
func (im *importer) checked() []imported {
	var all []imported
	for _, row := range im.rows {
		all = append(all, outcome(row, "good", row.err))
	}
	return all
}

func outcome(row fleetRow, result string, err error) imported {
	r := imported{Line: row.line, ID: row.id, Name: row.name, err: err}
	if err == nil {
		r.OK, r.Result = true, result
		return r
	}
	r.Error = diagnose(err).text
	if e := answerOf(err); e != nil {
		r.Code, r.RequestID = e.Body.Code, e.Body.RequestID
	}
	return r
}

// importsAtOnce is how many devices are registered at the same time.
const importsAtOnce = 8

// run registers all rows and says what became of them.
func (im *importer) run(ctx context.Context) error {
	var all []imported
	for r := range inOrder(im.rows, importsAtOnce, func(row fleetRow) imported {
		result, err := im.register(ctx, row)
		return outcome(row, result, err)
	}) {
		if ctx.Err() != nil {
			break
		}
		all = append(all, r)
		im.progress(len(all), r)
	}
	if len(all) > 0 && terminal(im.c.err) {
		writeOver(im.c.err, "")
	}
	err := im.report(all)
	if left := len(im.rows) - len(all); left > 0 {
		return fail(exitInterrupted, fmt.Sprintf("interrupted: %d of %d rows are not done", left, len(im.rows)),
			"the same line again takes it up: what is done stays as it is")
	}
	return err
}

// progress shows on a terminal how far it is.
func (im *importer) progress(done int, last imported) {
	if !terminal(im.c.err) {
		return
	}
	const most = 30
	width := max(4, min(most, im.c.columns()-40))
	full := width * done / len(im.rows)
	name := last.Name
	if name == "" {
		name = last.ID
	}
	bar := strings.Repeat("━", full) + strings.Repeat("·", width-full)
	writeOver(im.c.err, "%s %d of %d  %s", bar, done, len(im.rows), cut(name, max(0, im.c.columns()-width-18)))
}

// cut shortens a text to a number of characters.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// report prints what became of the rows: in JSON all of them, for people only
// those that went wrong, and then a summary.
func (im *importer) report(all []imported) error {
	counts := map[string]int{}
	var failures []error
	for _, r := range all {
		if r.err != nil {
			failures = append(failures, r.err)
		}
		counts[r.Result]++
		switch {
		case im.c.json:
			if err := im.c.emit(r); err != nil {
				return err
			}
		case r.err != nil:
			fmt.Fprintf(im.c.out, "line %d, %s: %s\n", r.Line, orDash(r.ID), r.Error)
		}
	}
	var parts []string
	for _, word := range []string{"good", "added", "changed", "unchanged"} {
		if n := counts[word]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	if len(failures) > 0 {
		parts = append(parts, fmt.Sprintf("%d wrong", len(failures)))
	}
	im.c.say("%s: %s", counted(len(all), "row"), strings.Join(parts, ", "))
	return someFailed(failures, len(all), "rows are not registered")
}

// counted is a number of things.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return itoa(n) + " " + what + "s"
}

// patience with a cloud that is busy or down.
const (
	importTries = 6
	importWait  = 500 * time.Millisecond // doubled with each try
)

// register brings the cloud to what the row says, and tries again while the
// cloud is busy.
func (im *importer) register(ctx context.Context, row fleetRow) (result string, err error) {
	if row.err != nil {
		return "", row.err
	}
	for try := range importTries {
		result, err = im.once(ctx, row)
		e := answerOf(err)
		if e == nil || !e.Temporary() || try == importTries-1 {
			break
		}
		select {
		case <-time.After(max(e.RetryAfter, importWait<<try)):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return result, err
}

func (im *importer) once(ctx context.Context, row fleetRow) (result string, err error) {
	before, mine := im.known[row.id]
	result = "unchanged"
	switch {
	case row.key != nil:
		_, err = im.remote.Provision(ctx, row.id, row.key)
	case !mine:
		_, err = im.remote.Claim(ctx, row.id)
	}
	if err != nil {
		return "", err
	}
	if row.name != "" && row.name != string(before.Name) {
		if _, err := im.remote.Rename(ctx, row.id, row.name); err != nil {
			return "", err
		}
		result = "changed"
	}
	if row.notes != "" && row.notes != string(before.Notes) {
		if _, err := im.remote.Annotate(ctx, row.id, row.notes); err != nil {
			return "", err
		}
		result = "changed"
	}
	if row.product != "" {
		if err := im.remote.AddToProduct(ctx, row.product, row.id); err != nil {
			return "", err
		}
	}
	if !mine {
		result = "added"
	}
	return result, nil
}
