package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/internal/localredis"
)

// byHand is what a person can do where nothing known installs a server.
const byHand = `What you can do:
  - see how your system installs "redis" or "valkey", 7.0 or newer; ` + "`redis-server --version`" + ` must answer afterwards
  - or build it, with make and a C compiler: unpack https://download.redis.io/redis-stable.tar.gz,
    run ` + "`make`" + ` in it and put src/redis-server into a folder of your PATH
  - or name a Redis that runs elsewhere and is yours to write to: ` + "`grind --redis redis://HOST:6379`" + `
  - or do nothing: grind has an embedded server, on which counts are real and times are not shown`

func (a *app) setupCommand() *cobra.Command {
	var yes bool
	cmd := a.reports(&cobra.Command{
		Use:   "setup",
		Short: "Install a real Redis, after asking",
		Args:  atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := localredis.SetupPlan()
			if errors.Is(err, localredis.ErrNoInstaller) {
				return fmt.Errorf("%w\n%s", err, byHand)
			}
			if err != nil {
				return err
			}
			if a.json && !yes { // a script reads the plan; --yes carries it out
				return a.printJSON(plan)
			}
			a.printPlan(plan)
			if plan.Done {
				return nil
			}
			if !yes && !a.agrees(cmd.Context(), "Run this now?") {
				a.say("Nothing was installed.")
				return &answerNo{}
			}
			out := a.out
			if a.json {
				out = a.err
			}
			if err := plan.Run(cmd.Context(), out); err != nil {
				return err
			}
			after, err := localredis.SetupPlan()
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(after)
			}
			a.printPlan(after)
			return nil
		},
	})
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// printPlan says what would be run, and what a person should know before.
func (a *app) printPlan(p localredis.Plan) {
	a.say("%s", p.Title)
	for _, c := range p.Commands {
		a.say("  %s", c)
		if c.Why != "" {
			a.say("    %s", a.palette().soft(c.Why))
		}
	}
	for _, note := range p.Notes {
		a.say("%s", note)
	}
}

// agrees asks a question; only a yes is a yes.
func (a *app) agrees(ctx context.Context, question string) bool {
	answer := strings.ToLower(a.ask(ctx, question+" [y/N] "))
	return answer == "y" || answer == "yes"
}

// ask returns the line that a person answers; empty when they end the input or
// press Ctrl-C.
func (a *app) ask(ctx context.Context, question string) string {
	fmt.Fprint(a.out, question)
	line := make(chan string, 1)
	go func() { // a read cannot be interrupted: the goroutine ends with the program
		text, err := bufio.NewReader(a.in).ReadString('\n')
		if err != nil {
			fmt.Fprintln(a.out) // nobody pressed Enter
		}
		line <- strings.TrimSpace(text)
	}()
	select {
	case text := <-line:
		return text
	case <-ctx.Done():
		fmt.Fprintln(a.out)
		return ""
	}
}
