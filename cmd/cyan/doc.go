// Command cyan is the whole house in one binary: the device cloud, virtual
// devices, and a client of the HTTP API. Each verb has a file of its name.
//
// # Manners
//
// Standard output is data: lines for people, or with --json one JSON object a
// line, flushed at once. Everything else is talk and goes to standard error.
// An error is one line that begins with "error:" and usually one with "hint:",
// the next step. The exit code tells its kind; exit.go has the table. Every
// time carries its zone.
//
// # Settings
//
// Every flag can also be set by an environment variable, CYAN_LISTEN_TCP for
// --listen-tcp, and by a key of the same name in a YAML file, in this order of
// precedence.
package main
