package measure

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cpuTime is what this process has used so far, user and system.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// server is what a server has done so far.
type server struct {
	commands float64
	cpu      float64 // seconds
}

func (r Run) serverNow(ctx context.Context) (s server, err error) {
	if r.Server == nil {
		return s, nil
	}
	text, err := r.Server.Info(ctx, "everything").Result()
	if err != nil {
		return s, fmt.Errorf("ask the server for its counts: %w", err)
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		n, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "total_commands_processed":
			s.commands = n
		case "used_cpu_sys", "used_cpu_user":
			s.cpu += n
		}
	}
	return s, nil
}

// Machine says what is measured on.
func Machine() string {
	return fmt.Sprintf("%s %s/%s, GOMAXPROCS %d, %s; load %s before",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), processor(), load())
}

// load is the load average of the last minute, where the system tells.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(data), " ")
	return one
}

func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unnamed processor"
}
