package lesson

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// consoleLimit is the longest time of one command.
const consoleLimit = 2 * time.Minute

// raceColumns is how wide a stepped race is captured, so that both clients are in
// view in the text's column on the page. Other output is captured as wide as it is:
// its figures change from run to run, and where its lines break would too.
const raceColumns = "78"

// masks make two runs of the same command comparable. Blanks and bars change
// their length with the figures beside them.
var masks = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?\S*)?`), "<date>"},
	{regexp.MustCompile(`\d{1,3}(\.\d{1,3}){3}:\d+`), "<address>"},
	{regexp.MustCompile(`(localhost|\[::1\]):\d+`), "<address>"},
	{regexp.MustCompile(`((?:Redis|Valkey) )\d+(\.\d+)+`), "$1<version>"},
	{regexp.MustCompile(`grind:\{[^}]*\}`), "grind:{<run>}"},
	{regexp.MustCompile(`\d[\d,.]*( ?[kM])? ?\pL*/s\b`), "<rate>"},
	{regexp.MustCompile(`\d[\d,.]* ?(ns|µs|us|ms|s|min)\b`), "<time>"},
	{regexp.MustCompile(`[█▉▊▋▌▍▎▏░▒▓]+`), "█"},
	{regexp.MustCompile(`[─━═-]{2,}`), "─"},
	{regexp.MustCompile(`[ \t]+`), " "},
}

func masked(text string, more *regexp.Regexp) string {
	if more != nil {
		text = more.ReplaceAllString(text, "<masked>")
	}
	for _, m := range masks {
		text = m.pattern.ReplaceAllString(text, m.shown)
	}
	return text
}

// console runs the command of a fence. It returns what the fence holds now if the
// new output differs in masked text only.
func (s *Syncer) console(f fence, have string) (string, error) {
	words, err := split(f.attrs["cmd"])
	if err != nil {
		return "", err
	}
	if len(words) == 0 || words[0] != "grind" {
		return "", fmt.Errorf("a console fence needs cmd=\"grind …\", got %q", f.attrs["cmd"])
	}
	var more *regexp.Regexp
	if pattern := f.attrs["mask"]; pattern != "" {
		if more, err = regexp.Compile(pattern); err != nil {
			return "", fmt.Errorf("mask of a console fence: %w", err)
		}
	}
	wantExit := 0
	if text := f.attrs["exit"]; text != "" {
		if wantExit, err = strconv.Atoi(text); err != nil {
			return "", fmt.Errorf("exit of a console fence must be a number, got %q", text)
		}
	}
	run := s.run
	if run == nil {
		run = s.grind
	}
	output, exit, err := run(words[1:])
	if err != nil {
		return "", err
	}
	now := "$ " + f.attrs["cmd"] + "\n" + trimLines(output)
	if exit != wantExit {
		return "", fmt.Errorf("the command ended with exit code %d, want %d:\n%s", exit, wantExit, now)
	}
	if masked(now, more) == masked(have, more) {
		return have, nil
	}
	return now, nil
}

// grind runs a command of the program, as on a machine without settings.
func (s *Syncer) grind(args []string) (string, int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), consoleLimit)
	defer cancel()
	if err := s.build(ctx); err != nil {
		return "", 0, err
	}
	cmd := exec.CommandContext(ctx, s.program, args...)
	cmd.Dir = s.Root
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == "REDIS_URL" || name == "COLUMNS" || strings.HasPrefix(name, "GRIND_")
	})
	cmd.Env = append(cmd.Env, "XDG_STATE_HOME="+s.tmp, "NO_COLOR=1", "TERM=dumb")
	if slices.Contains(args, "--race") {
		cmd.Env = append(cmd.Env, "COLUMNS="+raceColumns)
	}
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", 0, fmt.Errorf("the command did not end within %v", consoleLimit)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode(), nil
	}
	return string(out), 0, err
}

// build finds the program, the first time.
func (s *Syncer) build(ctx context.Context) error {
	if s.tmp != "" {
		return nil
	}
	tmp, err := os.MkdirTemp("", "grind-lesson-")
	if err != nil {
		return err
	}
	if s.program, err = program(ctx, s.Root, tmp); err != nil {
		_ = os.RemoveAll(tmp) // the build's error says more
		return err
	}
	s.tmp = tmp
	return nil
}

// program returns the path of grind as it is now. Go keeps what `go run` has linked
// in its cache, from the second time on, and the tests of all units ask for the same
// program, so that it is not linked for each of them. Where the cache has none it is
// built into a folder.
func program(ctx context.Context, root, folder string) (string, error) {
	for range 2 {
		cmd := exec.CommandContext(ctx, "go", "run", "-exec", "echo", "./cmd/grind")
		cmd.Dir = root
		if out, err := cmd.Output(); err == nil {
			if path := strings.TrimSpace(string(out)); isFile(path) {
				return path, nil
			}
		}
	}
	path := filepath.Join(folder, "grind")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/grind")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build grind: %w\n%s", err, out)
	}
	return path, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func trimLines(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, strings.TrimRight(line, " \t\r\n"))
	}
	joined := strings.Trim(strings.Join(out, "\n"), "\n")
	if joined == "" {
		return ""
	}
	return joined + "\n"
}

// split cuts a command into words. A word may be quoted by single quotes.
func split(command string) ([]string, error) {
	var words []string
	for rest := strings.TrimSpace(command); rest != ""; rest = strings.TrimSpace(rest) {
		var word strings.Builder
		for rest != "" && rest[0] != ' ' {
			if rest[0] != '\'' {
				word.WriteByte(rest[0])
				rest = rest[1:]
				continue
			}
			quoted, after, closed := strings.Cut(rest[1:], "'")
			if !closed {
				return nil, fmt.Errorf("a quote is not closed in %q", command)
			}
			word.WriteString(quoted)
			rest = after
		}
		words = append(words, word.String())
	}
	return words, nil
}
