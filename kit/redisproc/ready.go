package redisproc

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The ports we choose from. They lie below those that systems give to outgoing
// connections (from 32768 on Linux, 49152 elsewhere): a client that redials a
// server which is down can not get its port as its own and so block Restart.
const (
	firstPort = 20000
	lastPort  = 29999

	// busAbove is how far above its port a cluster node has that of the bus,
	// which must lie below those of outgoing connections too.
	busAbove    = 10000
	lastBusPort = 32767
)

// freePort returns a port on which nothing listens just now, nor on the one of
// the bus if the server is a node of a cluster.
func (w wiring) freePort() (int, error) {
	last := lastPort
	if w.cluster {
		last = lastBusPort - busAbove
	}
	var err error
	for range 100 {
		port := firstPort + rand.IntN(last-firstPort+1)
		if err = free(port); err == nil && w.cluster {
			err = free(port + busAbove)
		}
		if err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find a free port in %d..%d: %w", firstPort, last, err)
}

// free says why nobody could listen on a port just now.
func free(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return l.Close()
}

// ping reports whether the server answers and has loaded its data. It sends no
// password: a server that asks for one has answered.
func ping(ctx context.Context, addr string, config *tls.Config) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var d interface {
		DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	} = &net.Dialer{}
	if config != nil {
		d = &tls.Dialer{Config: config}
	}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline) // if it can not be set, the write fails
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && !strings.HasPrefix(answer, "-LOADING")
}

var (
	badDirective = regexp.MustCompile(`>>> '(\S+)[^\n]*'\n([^\n]*)`)
	badACL       = regexp.MustCompile(`users\.acl:(\d+): ([^\n]*)`)
)

// diagnose turns the log of a server that ended during its start into an error
// that names the option at fault, where the log tells.
func diagnose(o Options, log string, port int) error {
	if strings.Contains(log, "Address already in use") {
		return fmt.Errorf("Options.Port %d: %w%s", port, ErrPortTaken, logTail(log))
	}
	if m := badDirective.FindStringSubmatch(log); m != nil {
		return fmt.Errorf("%s: %s%s", optionOf(o, m[1]), m[2], logTail(log))
	}
	if m := badACL.FindStringSubmatch(log); m != nil {
		line, _ := strconv.Atoi(m[1])
		return fmt.Errorf("Options.ACL[%d]: %s%s", line-1, m[2], logTail(log))
	}
	return errors.New("the server ended" + logTail(log))
}

// optionOf names the field that a directive came from.
func optionOf(o Options, directive string) string {
	for name := range o.Config {
		if strings.EqualFold(name, directive) {
			return fmt.Sprintf("Options.Config[%q]", name)
		}
	}
	switch {
	case directive == "maxmemory-policy":
		return "Options.MaxMemoryPolicy"
	case directive == "appendfsync":
		return "Options.AppendFsync"
	case strings.HasPrefix(directive, "tls-"):
		return "Options.TLS"
	default:
		return "directive " + directive
	}
}

// tailLines is how much of a log an error quotes.
const tailLines = 12

func tail(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// logTail is the end of a log as the last part of an error's text.
func logTail(log string) string {
	if strings.TrimSpace(log) == "" {
		return " (its log is empty)"
	}
	return "; its log ends with\n\t" + strings.ReplaceAll(tail(log), "\n", "\n\t")
}
