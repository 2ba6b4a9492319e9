package archtest

// exemption excuses one thing from one rule, by name and with the reason.
type exemption struct{ name, reason string }

var (
	// longFiles are tables of messages and generated code.
	longFiles = []exemption{}

	// bigPackages are packages with more files or lines than the budget has.
	bigPackages = []exemption{
		{"cmd/cyan", "one file per verb"},
	}

	// variablesByName are package variables that are neither errors nor tables.
	variablesByName = []exemption{
		{"internal/build.version", "the linker can set nothing else"},
		{"internal/archtest.longFiles", "a table with no row yet"},
		{"sim.ledOff", "a row of the table of lights, whose zero value is dark"},
	}

	// skippingTests are test files with a skip that hides nothing.
	skippingTests = []exemption{
		{"cloud/store/durable_test.go", "system calls that only strace sees; CYAN_TEST_ALL, which CI sets, makes its want a failure"},
	}
)

// excused looks a name up.
func excused(name string, list []exemption) bool {
	for _, e := range list {
		if e.name == name {
			return true
		}
	}
	return false
}
