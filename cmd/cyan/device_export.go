package main

import (
	"encoding/csv"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/wire/rest"
)

func (c *cli) deviceExportVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use: "export", Short: "Your devices as a CSV file", Args: takes(0, 0, ""),
		Long: `Prints your devices as CSV, with the columns that cyan device import takes: id,
name, key, fingerprint, product, notes. The keys stay empty: the API does not
give them out. Imported where the keys are known, it restores names and notes.`,
		Example:     "  cyan device export > fleet.csv",
		Annotations: map[string]string{dataVerb: "csv"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			remote, err := c.remote()
			if err != nil {
				return err
			}
			devices, err := remote.Devices(cmd.Context())
			if err != nil {
				return err
			}
			if c.json {
				for _, d := range devices {
					if err := c.emit(d); err != nil {
						return err
					}
				}
				return nil
			}
			w := csv.NewWriter(c.out)
			_ = w.Write(fleetColumns) // Error tells
			for _, d := range devices {
				_ = w.Write([]string{d.ID, string(d.Name), "", "", productOf(d), string(d.Notes)})
			}
			w.Flush()
			return w.Error()
		},
	}
	c.targetFlags(cmd)
	return cmd
}

// productOf is the product that a device belongs to. One that belongs to none
// has its platform's number there.
func productOf(d rest.Device) string {
	if d.ProductID == 0 || d.ProductID == d.PlatformID {
		return ""
	}
	return itoa(d.ProductID)
}
