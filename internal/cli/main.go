package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/apps"
	"github.com/redis-grind/grind/course"
	application "github.com/redis-grind/grind/internal/app"
	"github.com/redis-grind/grind/internal/unit"
)

// Main runs the command line and returns its exit code. The first signal asks for
// an orderly end, the second ends the program at once.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	return run(args, apps.All(), in, out, errOut)
}

func run(args []string, table []*application.App, in io.Reader, out, errOut io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer heed(cancel)()
	go endWithGoRun(ctx, cancel)

	logging.Disable() // go-redis would print what the errors say better
	a := &app{course: course.New(), apps: table, in: in, out: out, err: errOut}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if closeErr := a.close(); err == nil {
		err = closeErr
	}
	// A flag that is not known ends the reading of flags, maybe before --json.
	a.json = a.json || slices.Contains(args, "--json")
	return a.report(err)
}

// heed has the first signal call end, and a second one end the program, until stop
// is called. What the program started is left to the reapers then.
func heed(end context.CancelFunc) (stop func()) {
	signals, stopped := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		var first time.Time
		for {
			select {
			case <-signals:
			case <-stopped:
				return
			}
			switch {
			case first.IsZero():
				first = time.Now()
				end()
			case time.Since(first) > samePress:
				os.Exit(exitNo)
			}
		}
	}()
	return func() { signal.Stop(signals); close(stopped) }
}

// samePress is how close signals are that come from one press of Ctrl-C: a
// program around this one may pass on what the terminal sent to both.
const samePress = 300 * time.Millisecond

// app is what the commands share.
type app struct {
	course  *unit.Course
	apps    []*application.App
	in      io.Reader
	out     io.Writer
	err     io.Writer
	json    bool   // --json
	url     string // --redis, else REDIS_URL
	closers []func() error

	anyRedis bool // --yes-use-this-redis
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "grind",
		Short: "Learn Redis by running it",
		Long: `grind is a path through Redis in which every topic is something that you run,
measure and break, on a real Redis that starts by itself.

Without a command it opens the workbench in your browser.`,
		Version:       Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q\n`grind --help` lists the commands.", args[0])
			}
			return nil
		},
	}
	root.PersistentFlags().StringVar(&a.url, "redis", os.Getenv("REDIS_URL"), "`URL` of a Redis to use instead of a private one (default $REDIS_URL)")
	root.Flag("redis").DefValue = "" // the environment may hold a password
	root.PersistentFlags().BoolVar(&a.anyRedis, useThisRedis, false, "use the Redis of --redis although it looks like production")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%v\n`%s --help` lists the flags.", err, cmd.CommandPath())
	})
	// The table of commands, in the order in which a person meets them.
	a.workbench(root)
	root.AddCommand(
		a.listCommand(), a.showCommand(), a.runCommand(), a.glossaryCommand(),
		a.startCommand(), a.checkCommand(), a.watchCommand(), a.hintCommand(), a.solutionCommand(), a.resetCommand(),
		a.incidentCommand(), a.appCommand(), a.setupCommand(), a.verifyCommand(), a.versionCommand(),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		a.mendDefault(root, cmd)
	}
	return root
}

// mendDefault has the commands that cobra brings along answer what they do not
// know with an error, as all the others do.
func (a *app) mendDefault(root, cmd *cobra.Command) {
	switch cmd.Name() {
	case "help":
		help := cmd.Run
		cmd.Run = nil
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if topic, _, err := root.Find(args); err != nil || topic == root && len(args) > 0 {
				return usagef("there is no command %q\n`grind --help` lists the commands.", strings.Join(args, " "))
			}
			help(cmd, args)
			return nil
		}
	case "completion":
		cmd.Args = func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no completion for %q\n`grind completion --help` lists the shells.", args[0])
			}
			return nil
		}
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
}

// reports gives a command the flag that every reporting command has.
func (a *app) reports(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&a.json, "json", false, "report in JSON")
	return cmd
}

// atEnd has closeIt called before the program ends, the last first.
func (a *app) atEnd(closeIt func() error) { a.closers = append(a.closers, closeIt) }

func (a *app) close() error {
	var first error
	for _, closeIt := range slices.Backward(a.closers) {
		if err := closeIt(); err != nil && first == nil {
			first = err
		}
	}
	a.closers = nil
	return first
}

// printJSON writes one JSON document, indented for the people who look at it.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// report prints an error the way that was asked for and returns the exit code.
func (a *app) report(err error) int {
	if err == nil {
		return exitDone
	}
	code := exitCode(err)
	if _, no := errors.AsType[*answerNo](err); no { // everything was said already
		return code
	}
	if _, told := errors.AsType[toldError](err); a.json && !told {
		line, _ := json.Marshal(map[string]any{"type": "error", "message": err.Error(), "exit": code})
		fmt.Fprintln(a.out, string(line))
		return code
	}
	fmt.Fprintf(a.err, "grind: %v\n", err)
	return code
}
