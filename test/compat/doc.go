// Package compat runs the stock clients from npm, unmodified, against the real
// program with virtual devices on both transports, and compares what they
// print with goldens.
//
// Two kinds of tests are here. The plain ones, of every "go test", read the
// goldens: the table of clients in docs/compatibility.md must be what they say,
// and nobody but a stranger may be told "Invalid access token". The run itself
// needs Node and npm, takes some minutes and has a build tag:
//
//	go test -tags compat -timeout 30m ./test/compat            compare
//	go test -tags compat -timeout 30m ./test/compat -update    write goldens and table
//	go test -tags compat ./test/compat -run 'TestClients/run/cli-2.7.0'
//	make compat-ci    three clients, without the scenarios that wait for a device
//
// Each folder of clients/ is one client: its package.json says which versions
// of what, its package-lock.json pins them. They are installed into the user's
// cache folder, or where CYAN_COMPAT_CACHE says.
//
// testdata/scenarios.txt says what is run: what a person wants, the command
// in the grammars of all versions, and what must be printed.
package compat
