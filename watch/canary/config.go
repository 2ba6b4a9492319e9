package canary

import (
	"crypto/x509"
	"net"
	"net/http"
	"time"

	"github.com/cyan-cloud/cyan/client"
	"github.com/cyan-cloud/cyan/sim"
	"github.com/cyan-cloud/cyan/watch/signal"
)

// Config says what one run has to do with.
type Config struct {
	Vantage string // from where it is looked

	// API is the URL of the HTTP API, Token a token of the account that the
	// canaries belong to.
	API, Token string
	// Spare is another token of that account, which is used for nothing but to
	// find out whether a token that is refused is the only one. Empty: none.
	Spare string
	// Username and Password are of an account that only logs in, for Login.
	Username, Password string
	// Public is the URL that people know, for Address. Empty: API.
	Public string

	Way    Way      // of the stories of a device
	Device Identity // likewise
	// Port is the port of its own that the device comes from. Zero, or where it
	// is not free: any.
	Port  int
	Board Board // for Physical

	// Deadline is how long a run may take. Zero: 8 s.
	Deadline time.Duration
	// OnStep is told which step begins, by the run's goroutine. Nil: nobody is.
	OnStep func(signal.StepName)
	// HTTP is the client to use; it must have no Timeout. Nil: one that does not
	// keep connections, as a stranger who comes has none.
	HTTP *http.Client
	// Roots sign the certificate of Public. Nil: whom the system trusts.
	Roots *x509.CertPool
}

// Way is a way into the cloud for devices.
type Way struct {
	Name      string // of the ingress, in results
	Transport sim.Transport
	Address   string // host:port
	ServerKey []byte // the public key that devices have, SPKI in DER
	// Drill is an ingress that is broken on purpose now and then: what is seen
	// there never counts for the page.
	Drill bool
}

const (
	deadline  = 8 * time.Second
	allowance = 2 * time.Second // for a device to leave after its run
	pollEvery = 50 * time.Millisecond
)

func (c *Config) withDefaults() Config {
	d := *c
	if d.Deadline == 0 {
		d.Deadline = deadline
	}
	if d.Public == "" {
		d.Public = d.API
	}
	if d.HTTP == nil {
		d.HTTP = &http.Client{Transport: &http.Transport{
			DialContext: (&net.Dialer{}).DialContext, DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment,
		}}
	}
	return d
}

// client gives the API as the canaries' account sees it.
func (c *Config) client(token string) *client.Client {
	return client.New(client.Config{URL: c.API, Token: token, UserAgent: "cyan-canary", HTTP: c.HTTP})
}
