package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// cli is one run of the program: where it reads and writes, and what its verbs
// share.
type cli struct {
	in       *os.File
	out, err io.Writer
	getenv   func(string) string

	json, utc bool              // json is on by itself where a verb that gives data is piped
	config    string            // the settings file
	origins   map[string]string // where the value of each flag came from
	target    target            // the cloud that client verbs talk to
}

// run runs one command line and gives the exit code. The first interrupt asks
// for a clean stop, a second one ends the process.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	c := &cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv}
	root := c.root()
	root.SetArgs(args)
	return int(c.report(root.ExecuteContext(ctx)))
}

// report prints an error the way every verb does, and gives its exit code.
func (c *cli) report(err error) exitCode {
	if err == nil {
		return exitOK
	}
	p := diagnose(err)
	c.say("error: %s", strings.ReplaceAll(p.text, "\n", "; "))
	for _, hint := range p.hints {
		c.say("hint: %s", hint)
	}
	return p.code
}

const rootHelp = `cyan is an open device cloud in one binary: the cloud itself, virtual devices
to try it with, and a client of its HTTP API.

Standard output is data, everything else is on standard error. The verbs about
you, your devices and events print for people on a terminal, and one JSON object
a line where their output is piped or --json says so; --json=false is for people
everywhere.

Every flag can also be set by an environment variable (--listen-tcp by
CYAN_LISTEN_TCP) and by a key of the same name in the YAML file of --config; a
flag wins over the environment, the environment over the file. NO_COLOR turns
colours off. The exit codes: cyan help exit-codes`

const rootExamples = `  cyan up --demo                  a cloud and two virtual devices, to look at
  cyan login                      then: list, call, get, subscribe …
  cyan call oven setpitf 275
  cyan subscribe mine | grep temps`

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use: "cyan", Short: "An open device cloud", Long: rootHelp, Example: rootExamples,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return c.settle(cmd) },
	}
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return misuse(err.Error(), "cyan help"+strings.TrimPrefix(cmd.CommandPath(), "cyan"))
	})
	root.PersistentFlags().BoolVar(&c.json, "json", false, "one JSON object a line on standard output (default where verbs that give data are piped)")
	root.PersistentFlags().BoolVar(&c.utc, "utc", false, "show times in UTC")
	root.PersistentFlags().StringVar(&c.config, "config", "", "read settings from this YAML `file`")

	for _, g := range c.verbs() {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, verb := range g.verbs {
			verb.GroupID = g.title
			if g.data {
				givesData(verb)
			}
			root.AddCommand(verb)
		}
	}
	root.AddCommand(exitCodesTopic())
	return c.lettered(completed(family(root)))
}

// group is verbs that stand together in the help. With data, their output is
// JSON where nobody looks at it.
type group struct {
	title string
	data  bool
	verbs []*cobra.Command
}

// dataVerb marks, in a command's annotations, that its output is data.
const dataVerb = "data"

// givesData marks a verb, and those below it that have not said otherwise.
func givesData(cmd *cobra.Command) {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{dataVerb: "json"}
	}
	for _, sub := range cmd.Commands() {
		givesData(sub)
	}
}

// verbs are all verbs, in the order of the help.
func (c *cli) verbs() []group {
	return []group{
		{title: "The cloud:", verbs: []*cobra.Command{
			c.upVerb(), c.serveVerb(), c.watchVerb(), c.canaryVerb(), c.upgradeVerb(), c.drainVerb(), c.benchVerb(), c.adminVerb(), c.versionVerb(), c.manVerb(),
		}},
		{title: "Virtual devices:", verbs: []*cobra.Command{c.simVerb()}},
		{title: "You:", data: true, verbs: []*cobra.Command{
			c.loginVerb(), c.logoutVerb(), c.whoamiVerb(), c.tokenVerb(), c.accountVerb(), c.auditVerb(),
		}},
		{title: "Your devices:", data: true, verbs: []*cobra.Command{
			c.listVerb(), c.callVerb(), c.getVerb(), c.monitorVerb(), c.pingVerb(), c.attemptsVerb(), c.annotationsVerb(), c.impactVerb(), c.recoveryVerb(), c.doctorVerb(), c.deviceVerb(), c.claimVerb(),
			c.ledVerb(), c.keyVerb(),
		}},
		{title: "Events:", data: true, verbs: []*cobra.Command{c.subscribeVerb(), c.publishVerb()}},
		{title: "Alerts:", data: true, verbs: []*cobra.Command{c.statusVerb(), c.incidentVerb(), c.maintenanceVerb(), c.oncallVerb(), c.drillVerb(), c.reportVerb()}},
	}
}

// family makes a command that only has subcommands: alone it shows its help,
// with a wrong word it says which it could have been.
func family(cmd *cobra.Command) *cobra.Command {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		hint := "cyan help" + strings.TrimPrefix(cmd.CommandPath(), "cyan")
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "?"
		}
		return misuse("there is no "+cmd.CommandPath()+" "+args[0], hint)
	}
	return cmd
}

// takes checks the number of arguments and names them when it is wrong.
func takes(least, most int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		if names == "" {
			return misuse(cmd.CommandPath()+" takes no arguments", cmd.CommandPath()+" --help")
		}
		return misuse(cmd.CommandPath()+" takes "+names, cmd.CommandPath()+" --help")
	}
}
