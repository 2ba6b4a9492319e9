package canary

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/cyan-cloud/cyan/watch/signal"
	"github.com/cyan-cloud/cyan/wire/rest"
)

// soon is how long before its end a certificate is worth a word.
const soon = 14 * 24 * time.Hour

// address is somebody who knows a name: it has an address, the port answers,
// the certificate is good, and behind it is a cloud that says it is alive.
func (t *trial) address(ctx context.Context) {
	public, err := url.Parse(t.cfg.Public)
	if err != nil || public.Hostname() == "" {
		t.fail("", &failure{ReasonCanary, fmt.Sprintf("%q is no URL", t.cfg.Public)})
		return
	}
	port := public.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[public.Scheme]
	}
	if port == "" {
		port = "80"
	}
	var at string
	var conn net.Conn
	steps := []step{
		{signal.StepResolve, func(ctx context.Context) (err error) {
			at, err = resolve(ctx, net.JoinHostPort(public.Hostname(), port))
			return err
		}},
		{signal.StepConnect, func(ctx context.Context) (err error) {
			var d net.Dialer
			if conn, err = d.DialContext(ctx, "tcp", at); err == nil {
				t.after = append(t.after, func() { _ = conn.Close() })
			}
			return err
		}},
	}
	if public.Scheme == "https" {
		steps = append(steps, step{signal.StepTLS, func(ctx context.Context) error { return t.certificate(ctx, conn, public.Hostname()) }})
	}
	t.walk(ctx, append(steps, step{signal.StepAsk, t.alive})...)
}

// certificate shakes hands as a browser does, and looks how long the
// certificate will be good.
func (t *trial) certificate(ctx context.Context, conn net.Conn, name string) error {
	c := tls.Client(conn, &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, RootCAs: t.cfg.Roots})
	if err := c.HandshakeContext(ctx); err != nil {
		if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad {
			return &failure{ReasonCertificate, err.Error()}
		}
		return err
	}
	leaf := c.ConnectionState().PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	t.result.Evidence = fmt.Sprintf("the certificate of %s is good for %d days more", name, int(left.Hours()/24))
	if left < soon {
		t.result.Reason = ReasonExpires
	}
	return nil
}

func (t *trial) alive(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.cfg.Public+rest.PathHealth, nil)
	if err != nil {
		return err
	}
	resp, err := t.cfg.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &failure{ReasonStatus, "it answered " + resp.Status}
	}
	return nil
}
