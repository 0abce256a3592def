package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/internal/workbench"
)

// workbench gives the bare command its flags and its work.
func (a *app) workbench(root *cobra.Command) {
	var (
		port   int
		noOpen bool
	)
	root.Flags().IntVar(&port, "port", 7171, "`port` of the workbench; 0 takes any free one")
	root.Flags().BoolVar(&noOpen, "no-open", false, "do not open the browser")
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if port < 0 || port > 65535 {
			return usagef("--port must be from 0 to 65535, got %d", port)
		}
		return a.serve(cmd.Context(), port, cmd.Flags().Changed("port"), !noOpen)
	}
}

func (a *app) serve(ctx context.Context, port int, fixed, open bool) error {
	store, err := a.progress()
	if err != nil {
		return err
	}
	r, err := a.openRedis(ctx)
	if err != nil {
		return err
	}
	a.say("%s", r.Line())
	runner, noSource := a.exercises(r) // without the source tree the page still runs
	w, err := workbench.New(workbench.Options{
		Course: a.course, Redis: r, Exercises: runner, NoSource: noSource, Progress: store,
		Port: port, PortFixed: fixed, Version: Version,
	})
	if err != nil {
		return err
	}
	a.say("The workbench is at %s", w.URL())
	if _, terminal := a.terminal(); open && terminal {
		openBrowser(w.URL())
	}
	a.say("Ctrl-C ends it.")
	if err := w.Run(ctx); err != nil {
		return fmt.Errorf("workbench: %w", err)
	}
	return nil
}

// openBrowser shows a page if it can. Where it cannot, the address stands in the
// terminal, so nothing is said about it.
func openBrowser(url string) {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return
		}
	}
	cmd := exec.Command(name, args...) //nolint:noctx // the browser stays when grind ends
	if cmd.Start() == nil {
		go cmd.Wait() //nolint:errcheck // the browser's exit code says nothing
	}
}
