package main

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/sim/bench"
)

// benchServeVerb is the cloud of a benchmark: the same as cyan serve has, on
// free ports of loopback, with the benchmark's commands on its standard input.
// It stops when that ends, so that it never outlives the benchmark.
func (c *cli) benchServeVerb() *cobra.Command {
	const anyPort = "127.0.0.1:0"
	o := app.Options{ListenTCP: anyPort, ListenUDP: anyPort, ListenAPI: anyPort}
	cmd := &cobra.Command{
		Use: "serve", Short: "Be the cloud of a benchmark", Args: takes(0, 0, ""), Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o.Logger = slog.New(slog.NewTextHandler(c.err, nil)) // as cyan serve logs, whatever that costs
			a, err := app.New(cmd.Context(), o)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Stop(context.WithoutCancel(cmd.Context()))) }()
			r, err := readyOf(a)
			if err != nil {
				return err
			}
			return bench.Attend(c.in, c.out, r)
		},
	}
	cmd.Flags().StringVar(&o.ListenTCP, "listen-tcp", anyPort, "`address` for devices on TCP")
	cmd.Flags().StringVar(&o.ListenUDP, "listen-udp", anyPort, "`address` for devices on UDP")
	cmd.Flags().IntVar(&o.Rehearsal.Handshakes, "handshakes", 0, "`handshakes` on TCP that are begun in a second at most")
	cmd.Flags().BoolVar(&o.Rehearsal.RefuseAtOnce, "refuse-at-once", false, "refuse devices at once, not after a time of chance")
	cmd.Flags().StringVar(&o.Data, "data", "", "`folder` of everything that lasts")
	cmd.Flags().BoolVar(&o.TrustOnFirstUse, "trust-on-first-use", false, "let unknown devices in")
	return cmd
}

// readyOf tells a benchmark where its cloud is, and who may use it.
func readyOf(a *app.App) (bench.Ready, error) {
	welcome := a.Welcome
	if welcome == nil {
		welcome = new(app.Welcome) // the folder has been used already: nobody learns who may use it
	}
	keyUDP, err := x509.MarshalPKIXPublicKey(&a.Keys.EC.PublicKey)
	if err != nil {
		return bench.Ready{}, err
	}
	keyTCP, err := x509.MarshalPKIXPublicKey(&a.Keys.RSA.PublicKey)
	if err != nil {
		return bench.Ready{}, err
	}
	return bench.Ready{
		PID: os.Getpid(), API: a.URL(), UDP: first(a.Addrs().UDP), TCP: first(a.Addrs().TCP), KeyUDP: keyUDP, KeyTCP: keyTCP,
		Username: welcome.Username, Password: welcome.Password,
	}, nil
}

func first(list []netip.AddrPort) netip.AddrPort {
	if len(list) == 0 {
		return netip.AddrPort{}
	}
	return list[0]
}
