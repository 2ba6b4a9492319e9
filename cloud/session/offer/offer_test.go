package offer_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyan-cloud/cyan/cloud/device"
	"github.com/cyan-cloud/cyan/cloud/session/offer"
	"github.com/cyan-cloud/cyan/wire/spark"
)

// TestStrangeNames: a name with a character in it that sets names apart is none,
// and does no harm to its neighbours.
func TestStrangeNames(t *testing.T) {
	t.Parallel()
	app := offer.New(&spark.Describe{
		Functions: []string{"echo", "a\nb", "c\x00", "", "set"},
		Variables: []spark.Variable{{Name: "x\ty", Type: spark.TypeInt}, {Name: "pit", Type: spark.TypeDouble}, {Name: "\x00\n9\tz", Type: spark.TypeInt}},
	})
	want := device.Describe{
		Functions: []string{"echo", "set"},
		Variables: []device.Variable{{Name: "pit", Type: device.VariableType(spark.TypeDouble)}},
	}
	if diff := cmp.Diff(want, app.Describe()); diff != "" {
		t.Error(diff)
	}
	for name, has := range map[string]bool{"echo": true, "set": true, "a": false, "b": false, "a\nb": false, "c": false, "c\x00": false, "pit": false, "": false} {
		if app.HasFunction(name) != has {
			t.Errorf("function %q: %v", name, !has)
		}
	}
	for name, has := range map[string]bool{"pit": true, "echo": false, "y": false, "z": false} {
		if _, ok := app.Variable(name); ok != has {
			t.Errorf("variable %q: %v", name, ok)
		}
	}
	if again, ok := offer.Join(app.Parts()); again != app || !ok {
		t.Errorf("%q became %q", app, again)
	}
	for _, parts := range [][2]string{{"", "\n"}, {"\n", ""}, {"\n\x00", "\n"}} {
		if _, ok := offer.Join(parts[0], parts[1]); ok {
			t.Errorf("%q are parts", parts)
		}
	}
}
