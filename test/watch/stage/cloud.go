package stage

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"github.com/cyan-cloud/cyan/internal/port"
	"github.com/cyan-cloud/cyan/test/watch/door"
)

// Cloud is `cyan serve` behind doors that can fail.
type Cloud struct {
	*Process

	Admin    Person
	Dir      string // its data is in "data"
	TCP, UDP door.Door
	At       Ready

	t       testing.TB
	program Program
	args    []string
}

// Ready is where a cloud is, as it says itself.
type Ready struct {
	API    string
	UDP    []string
	TCP    []string
	KeyUDP string `json:"server_key_udp"`
	KeyTCP string `json:"server_key_tcp"`
}

// Serve starts a cloud, whose administrator is logged in. More flags may be
// given.
func Serve(t testing.TB, program Program, more ...string) *Cloud {
	t.Helper()
	c := &Cloud{Dir: t.TempDir(), t: t, program: program}
	var at [3]string
	for i := range at {
		at[i] = port.Free(t)
	}
	c.args = append([]string{
		"serve", "--json", "--data", filepath.Join(c.Dir, "data"), "--listen-api", at[0], "--listen-tcp", at[1], "--listen-udp", at[2],
	}, more...)
	c.Admin = c.Person("admin@localhost")
	var first struct{ Username, Password string }
	c.start()
	if err := read(c.Line(t), &first); err != nil {
		t.Fatal(err)
	}
	c.Admin.API = c.At.API
	c.login(&c.Admin, first.Password)
	var err error
	if c.TCP, err = door.TCP(t, c.At.TCP[0]); err == nil {
		t.Cleanup(c.TCP.Close)
		c.UDP, err = door.UDP(t, c.At.UDP[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.UDP.Close)
	return c
}

func (c *Cloud) start() {
	c.t.Helper()
	c.Process = c.Admin.Start(c.t, filepath.Join(c.Dir, "cloud.log"), c.args...)
	if err := read(c.Line(c.t), &c.At); err != nil {
		c.t.Fatal(err)
	}
}

// Bounce restarts the cloud: whoever is connected over TCP is not any more.
func (c *Cloud) Bounce() {
	c.t.Helper()
	c.End()
	c.start()
}

// Person gives somebody who is not logged in yet.
func (c *Cloud) Person(name string) Person {
	return Person{Name: name, Config: filepath.Join(c.Dir, "people", name), API: c.At.API, program: c.program}
}

// Hire makes an account for somebody, and logs them in.
func (c *Cloud) Hire(name string) (p Person, password string) {
	c.t.Helper()
	p, password = c.Person(name), rand.Text()
	c.Admin.Tell(c.t, password+"\n", "account", "create", name, "--password-stdin")
	c.login(&p, password)
	return p, password
}

func (c *Cloud) login(p *Person, password string) {
	c.t.Helper()
	p.Tell(c.t, password+"\n", "login", "--username", p.Name, "--password-stdin")
}
