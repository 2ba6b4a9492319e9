package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cyan-cloud/cyan/sim/bench"
	"github.com/cyan-cloud/cyan/sim/bench/apart"
	"github.com/cyan-cloud/cyan/sim/bench/attack"
)

// The hidden verbs that the children of cyan bench attack are run with.
const (
	loaderVerb   = "attack-loader"
	attackerVerb = "attack-attacker"
)

func (c *cli) benchAttackVerb() *cobra.Command {
	var b attack.Bench
	var quick bool
	cmd := &cobra.Command{
		Use: "attack", Short: "What attacks do to the cloud, and to healthy devices beside", Args: takes(0, 0, ""),
		Long: `Attacks a cloud of its own in every way that it knows, one after the other, while
healthy devices are called over HTTP, and prints a row for each attack: what was
sent, what was answered, how the calls went before and meanwhile, what it cost
the cloud, and which of its counters rose.

The cloud has half of the processors to itself, loader and attacker have the
others, before the attack as well.

It fails if a call to a healthy device failed, if no counter tells of an attack,
or if the cloud took more memory than it may. How long calls took is printed and
not judged: a test with a time limit fails on a busy machine.

The attacks: ` + strings.Join(attack.Names(), ", ") + `.`,
		Example: `  cyan bench attack
  cyan bench attack --only cookie-flood --json
  cyan bench attack --quick                      only see that all of it works`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.Only != "" && !slices.Contains(attack.Names(), b.Only) {
				return misuse("there is no attack "+b.Only, "one of "+strings.Join(attack.Names(), ", "))
			}
			if quick {
				b = b.Little()
			}
			return c.attack(cmd, b)
		},
	}
	cmd.Flags().StringVar(&b.Only, "only", "", "the `attack` of this name")
	cmd.Flags().Float64Var(&b.Scale, "scale", 1, "`factor` of what is sent")
	cmd.Flags().DurationVar(&b.For, "for", 0, "`time` that each attack takes at most (default 6s)")
	cmd.Flags().IntVar(&b.Devices, "devices", 0, "healthy `devices` on DTLS (default 1000)")
	cmd.Flags().BoolVar(&quick, "quick", false, "little of everything: the figures mean nothing")
	return cmd
}

// attack makes the attacks, and says what must not be.
func (c *cli) attack(cmd *cobra.Command, b attack.Bench) error {
	b.Say, b.Loader, b.Attacker = c.say, []string{"bench", loaderVerb}, []string{"bench", attackerVerb}
	var wrong []string
	on, _ := apart.Halves()
	r, err := c.measuredOn(cmd.Context(), on, func(ctx context.Context, s *bench.Server) (bench.Result, error) {
		r, err := b.Run(ctx, s)
		if err == nil {
			wrong = r.Wrong
		}
		return result(r, err)
	}, cloudArgs())
	if err != nil {
		return err
	}
	if err := c.showResult(r); err != nil || len(wrong) == 0 {
		return err
	}
	return &problem{exitFailed, "the cloud did not stand it", wrong, nil}
}

// attackPartVerbs are what the children of cyan bench attack are.
func (c *cli) attackPartVerbs() []*cobra.Command {
	return []*cobra.Command{
		{
			Use: loaderVerb, Short: "Be the healthy devices", Args: takes(0, 0, ""), Hidden: true,
			RunE: func(cmd *cobra.Command, _ []string) error { return attack.Load(cmd.Context(), c.in, c.out) },
		},
		{
			Use: attackerVerb + " NAME", Short: "Be an attacker", Args: takes(1, 1, "NAME"), Hidden: true,
			RunE: func(cmd *cobra.Command, args []string) error {
				return attack.Strike(cmd.Context(), args[0], c.in, c.out)
			},
		},
	}
}
