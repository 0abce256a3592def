package cli

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redis-grind/grind/internal/localredis"
)

// Version is the release.
const Version = "0.1.0"

// versionReport is what `grind version --json` tells.
type versionReport struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	System  string `json:"system"`
	Redis   struct {
		Kind    string   `json:"kind"`
		Version string   `json:"version"`
		Line    string   `json:"line"`
		Timings bool     `json:"timings"`
		Lacks   []string `json:"lacks"`
		// Suspect says why commands that write refuse it; mostly empty.
		Suspect string `json:"suspect,omitempty"`
	} `json:"redis"`
}

func (a *app) versionCommand() *cobra.Command {
	return a.reports(&cobra.Command{
		Use:   "version",
		Short: "Say which grind this is, and which Redis it would use",
		Args:  atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.lookAtRedis(cmd.Context())
			if err != nil {
				return err
			}
			v := versionReport{Version: Version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Commit = s.Value
					}
				}
			}
			v.Redis.Kind, v.Redis.Version, v.Redis.Line, v.Redis.Timings = string(r.Kind()), r.Version(), r.Line(), r.Timings()
			v.Redis.Lacks, v.Redis.Suspect = []string{}, r.Suspect()
			if r.Kind() == localredis.Embedded {
				v.Redis.Lacks = localredis.EmbeddedLacks()
			}
			if a.json {
				return a.printJSON(v)
			}
			a.say("grind %s (%s, %s)", v.Version, v.Go, v.System)
			a.say("%s", v.Redis.Line)
			if v.Redis.Suspect != "" {
				a.say("%v", &suspectError{r.Addr(), v.Redis.Suspect})
			}
			if len(v.Redis.Lacks) > 0 {
				a.say("It does not know %s.", strings.Join(v.Redis.Lacks, ", "))
			}
			return nil
		},
	})
}
