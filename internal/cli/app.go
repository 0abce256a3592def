package cli

import (
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	application "github.com/redis-grind/grind/internal/app"
)

// appFlags are the flags of `grind app`.
type appFlags struct {
	port  int
	fixed bool // --port was given
	urls  []string
	limit time.Duration

	postgres bool // a private PostgreSQL in place of SQLite
}

func (a *app) appCommand() *cobra.Command {
	var f appFlags
	cmd := a.reports(&cobra.Command{
		Use:   "app [NAME [SCRIPT]]",
		Short: "List or start an application, or try one",
		Long: `Without a name, list the applications. With one, start it: on a private Redis that
is gone afterwards, or on that of --redis or REDIS_URL; with its data in SQLite in
a folder that is gone afterwards, in a private PostgreSQL with --postgres, or in the
database of DATABASE_URL. Ctrl-C ends it in good order, a second one at once. With
the name of one of its scripts, try it: on the instances of --url, else on one that
is started for it.

From the environment: REDIS_URL, DATABASE_URL or DATABASE_URL_FILE, ADDR (where to
listen, such as 0.0.0.0:8080), LOG_LEVEL (debug, info, warn, error), and what
` + "`grind app --json`" + ` lists under settings. Secrets are never given by flags.`,
		Example: `  grind app
  grind app catalog --port 8080
  grind app catalog load --for 10s
  grind app catalog outage --postgres
  grind app catalog load --url http://127.0.0.1:8080 --url http://127.0.0.1:8081`,
		Args:              atMost(2),
		ValidArgsFunction: a.completeApps,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listApps()
			}
			f.fixed = cmd.Flags().Changed("port")
			return a.runApp(cmd, args, f)
		},
	})
	cmd.Flags().IntVar(&f.port, "port", 8080, "`port` on 127.0.0.1; 0 takes any free one")
	cmd.Flags().StringArrayVar(&f.urls, "url", nil, "`URL` of an instance to try; may be given several times")
	cmd.Flags().BoolVar(&f.postgres, "postgres", false, "start a private PostgreSQL for its data, gone afterwards")
	cmd.Flags().DurationVar(&f.limit, "for", 0, "try it for this `time`, such as 30s")
	return cmd
}

func (a *app) runApp(cmd *cobra.Command, args []string, f appFlags) error {
	one, ok := application.Find(a.apps, args[0])
	if !ok {
		return usagef("there is no application %q\n`grind app` lists them.", args[0])
	}
	if f.port < 0 || f.port > 65535 {
		return usagef("--port must be from 0 to 65535, got %d", f.port)
	}
	if len(args) == 1 {
		if len(f.urls) > 0 || cmd.Flags().Changed("for") {
			return usagef("--url and --for belong to a script, such as `grind app %s load`", one.Name)
		}
		return a.startApp(cmd.Context(), one, f)
	}
	script, ok := one.Script(args[1])
	if !ok {
		return usagef("%s has no script %q\n`grind app --json` lists them.", one.Name, args[1])
	}
	for _, u := range f.urls {
		if p, err := url.Parse(u); err != nil || p.Host == "" || p.Scheme != "http" && p.Scheme != "https" {
			return usagef("--url must be such as http://127.0.0.1:8080, got %q", u)
		}
	}
	switch {
	case cmd.Flags().Changed("for") && f.limit <= 0:
		return usagef("--for must be longer than nothing, such as 30s, got %v", f.limit)
	case script.Whole && len(f.urls) > 0:
		return usagef("`grind app %s %s` starts its own instances and takes no --url", one.Name, script.Name)
	case f.postgres && len(f.urls) > 0:
		return usagef("--postgres is for instances that grind starts, not for those of --url")
	}
	return a.tryApp(cmd.Context(), one, script, f)
}

// listedApp is an application as `grind app --json` tells it.
type listedApp struct {
	Name     string             `json:"name"`
	Title    string             `json:"title"`
	Line     string             `json:"line"`
	Needs    []application.Need `json:"needs"`
	Settings []listedSetting    `json:"settings"`
	Scripts  []listedScript     `json:"scripts"`
}

type listedSetting struct {
	Name    string `json:"name"`
	Default string `json:"default,omitempty"`
	Line    string `json:"line"`
	Secret  bool   `json:"secret"`
}

type listedScript struct {
	Name  string `json:"name"`
	Line  string `json:"line"`
	Whole bool   `json:"whole"` // it starts all that it needs by itself
}

func (a *app) listApps() error {
	if a.json {
		all := []listedApp{}
		for _, one := range a.apps {
			l := listedApp{one.Name, one.Title, one.Line, append([]application.Need{}, one.Needs...), []listedSetting{}, []listedScript{}}
			for _, s := range one.Settings {
				l.Settings = append(l.Settings, listedSetting(s))
			}
			for _, s := range one.Scripts {
				l.Scripts = append(l.Scripts, listedScript{s.Name, s.Line, s.Whole})
			}
			all = append(all, l)
		}
		return a.printJSON(all)
	}
	if len(a.apps) == 0 {
		a.say("There is no application yet.")
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, one := range a.apps {
		fmt.Fprintf(w, "%s\t%s\n", one.Name, one.Line)
		for _, s := range one.Scripts {
			fmt.Fprintf(w, "  %s %s\t%s\n", one.Name, s.Name, s.Line)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	a.say("\n`grind app %s` starts one.", a.apps[0].Name)
	return nil
}

func (a *app) completeApps(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var out []string
	switch len(args) {
	case 0:
		for _, one := range a.apps {
			out = append(out, one.Name+"\t"+one.Line)
		}
	case 1:
		if one, ok := application.Find(a.apps, args[0]); ok {
			for _, s := range one.Scripts {
				out = append(out, s.Name+"\t"+s.Line)
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
