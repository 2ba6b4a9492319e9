package main

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cyan-cloud/cyan/app"
	"github.com/cyan-cloud/cyan/watch/boards"
	"github.com/cyan-cloud/cyan/watch/incident"
)

// boardList is where the list of boards is.
type boardList struct{ data, file string }

func (l *boardList) flags(flags *pflag.FlagSet) {
	flags.StringVar(&l.data, "watch-data", app.WatchOptions{}.WithDefaults().Data, "the watchtower's `folder`")
	flags.StringVar(&l.file, "boards", "", "`file` of the list (default "+boards.File+" in the folder)")
}

func (l *boardList) path() string {
	if l.file != "" {
		return l.file
	}
	return filepath.Join(l.data, boards.File)
}

func (c *cli) canaryAddVerb() *cobra.Command {
	var at boardList
	var b boards.Board
	var hook string
	cmd := &cobra.Command{
		Use: "add DEVICE", Short: "Make a real board a canary", Args: takes(1, 1, "DEVICE"),
		Long: `Puts a real board on the watchtower's list, or changes its line. It is called once a
minute: a function, with an argument, that has to give a result, and without one it
is pinged. With --restart-every it is restarted, and has to come back: by a command
on the watchtower's machine (--hook: a relay, a USB hub), by a function of the
board, or by the cloud, where its owner has allowed that (cyan device heal DEVICE
reboot).

DEVICE is its id or name; it has to belong to the user whose token the canaries
use. A running watchtower follows within seconds.`,
		Example: `  cyan canary add oven
  cyan canary add oven --function echo --argument four --result 4 --restart-every 1h
  cyan canary add lamp --restart-every 6h --hook "uhubctl -l 1-1 -p 2 -a cycle" --back 90s`,
		RunE: func(_ *cobra.Command, args []string) error {
			b.Device, b.Hook = args[0], strings.Fields(hook)
			switch {
			case (b.RestartFunction != "" || len(b.Hook) > 0) && b.RestartEvery == 0:
				return misuse("how often is it restarted?", "--restart-every 1h")
			case b.Function == "" && (b.Argument != "" || b.Result != 0):
				return misuse("which function is called?", "--function NAME")
			}
			replaced, err := boards.Add(at.path(), b)
			if err != nil {
				return err
			}
			word := "is a canary now"
			if replaced {
				word = "is a canary still, in another way"
			}
			return c.show(b, "%s %s: %s", b.Device, word, boardWords(&b))
		},
	}
	flags := cmd.Flags()
	at.flags(flags)
	flags.StringVar(&b.Function, "function", "", "`name` of the function that is called (default it is pinged)")
	flags.StringVar(&b.Argument, "argument", "", "what it is called with")
	flags.Int32Var(&b.Result, "result", 0, "what it has to give")
	flags.DurationVar(&b.Every, "every", 0, "`time` between two calls (default 1m)")
	flags.DurationVar(&b.RestartEvery, "restart-every", 0, "`time` between two restarts (default it is not restarted)")
	flags.StringVar(&b.RestartFunction, "restart-function", "", "`name` of a function of the board that restarts it")
	flags.StringVar(&hook, "hook", "", "`command` that restarts it, and its arguments, with spaces between")
	flags.DurationVar(&b.Back, "back", 0, "`time` that it may take to come back (default 1m)")
	return cmd
}

// boardWords says what is done with a board.
func boardWords(b *boards.Board) string {
	text := "pinged"
	if b.Function != "" {
		text = "its " + b.Function + "(" + b.Argument + ") has to give " + itoa(int(b.Result))
	}
	every := b.Every
	if every == 0 {
		every = time.Minute
	}
	text += " every " + incident.Span(every)
	if b.RestartEvery == 0 {
		return text
	}
	text += ", restarted every " + incident.Span(b.RestartEvery)
	switch {
	case len(b.Hook) > 0:
		return text + " by the command " + strings.Join(b.Hook, " ")
	case b.RestartFunction != "":
		return text + " by its function " + b.RestartFunction
	}
	return text + " by the cloud"
}

func (c *cli) canaryListVerb() *cobra.Command {
	var at boardList
	cmd := &cobra.Command{
		Use: "list", Short: "The real boards that are canaries", Args: takes(0, 0, ""),
		Long:    `Lists the real boards on the watchtower's list, a line each.`,
		Example: "  cyan canary list\n  cyan canary list --json | jq -r .device",
		RunE: func(*cobra.Command, []string) error {
			list, err := boards.Read(at.path())
			if err != nil {
				return err
			}
			if len(list) == 0 {
				c.say("no real board is a canary; cyan canary add DEVICE makes one")
			}
			for i := range list {
				if err := c.show(list[i], "%s%s", padded(list[i].Device, 26), boardWords(&list[i])); err != nil {
					return err
				}
			}
			return nil
		},
	}
	at.flags(cmd.Flags())
	return cmd
}

func (c *cli) canaryRemoveVerb() *cobra.Command {
	var at boardList
	cmd := &cobra.Command{
		Use: "remove DEVICE", Short: "Let a real board be no canary any more", Args: takes(1, 1, "DEVICE"),
		Long:    `Takes a real board off the watchtower's list. Nothing is done to the board itself.`,
		Example: "  cyan canary remove oven",
		RunE: func(_ *cobra.Command, args []string) error {
			gone, err := boards.Remove(at.path(), args[0])
			if err != nil {
				return err
			}
			if !gone {
				return fail(exitNotFound, args[0]+" is no canary", "cyan canary list shows those that are")
			}
			return c.show(map[string]any{"ok": true, "device": args[0]}, "%s is no canary any more", args[0])
		},
	}
	at.flags(cmd.Flags())
	return cmd
}
