package redisproc

import (
	"fmt"
	"slices"
	"strings"
)

// Options of one server. Zero Options are a private server on loopback, on a
// random free port, without persistence, in its own temporary directory.
type Options struct {
	// Binary is the path or name of the server program. Empty is redis-server,
	// else valkey-server, on PATH.
	Binary string

	// Port on 127.0.0.1. Zero is a free one; negative is an error.
	Port int

	// Password of the default user. Empty is none.
	Password string

	// ACL holds the lines of an ACL file, such as
	// "user alice on >secret ~app:* +@read". Without a line for the user
	// default, that one keeps Password and all permissions.
	ACL []string

	// TLS makes the server speak TLS only, with certificates made at the start
	// and valid for 127.0.0.1 and localhost. Server.TLSConfig is the client's
	// side of it.
	TLS bool

	// ClientCerts makes the server refuse clients without a certificate of its
	// own authority (mutual TLS). It needs TLS.
	ClientCerts bool

	// MaxMemory in bytes. Zero is unlimited; negative is an error.
	MaxMemory int64

	// MaxMemoryPolicy says what goes when MaxMemory is reached. Empty is the
	// server's own default, noeviction: writes answer OOM.
	MaxMemoryPolicy string

	// AppendOnly keeps an append-only file, so that data survive Kill and
	// Restart.
	AppendOnly bool

	// AppendFsync is always, everysec or no. Empty is the server's own default,
	// everysec. It needs AppendOnly.
	AppendFsync string

	// Config holds further directives, such as "save": "3600 1". A value is
	// written as in redis.conf: arguments stand apart by spaces, one that holds
	// a space is quoted. Directives that have an option here, or that the
	// package decides (bind, dir, logfile and the like), are an error.
	Config map[string]string

	// Name is used in the directory's name and in errors. Empty is "redis".
	Name string

	wiring wiring // of a server in a topology; zero for a single one
}

// owned tells why a directive would take the server out of the package's hands,
// or which option to use instead; it is empty for all others.
func owned(directive string) string {
	switch strings.ToLower(directive) {
	case "aclfile", "user":
		return "use Options.ACL"
	case "appendfsync":
		return "use Options.AppendFsync"
	case "appendonly":
		return "use Options.AppendOnly"
	case "bind", "protected-mode", "unixsocket":
		return "the server listens on 127.0.0.1 only"
	case "daemonize", "supervised", "pidfile":
		return "the server is a child of this process"
	case "dir", "logfile":
		return "the server has a directory of its own"
	case "include":
		return "write the directives themselves"
	case "maxmemory":
		return "use Options.MaxMemory"
	case "maxmemory-policy":
		return "use Options.MaxMemoryPolicy"
	case "port":
		return "use Options.Port"
	case "requirepass":
		return "use Options.Password"
	case "tls-port", "tls-cert-file", "tls-key-file", "tls-ca-cert-file":
		return "use Options.TLS"
	case "tls-auth-clients":
		return "use Options.ClientCerts"
	default:
		return ""
	}
}

// check refuses what the server would misread, and names the field.
func (o Options) check() error {
	bad := func(field, rule string, value any) error {
		return fmt.Errorf("redisproc: Options.%s %s, got %#v", field, rule, value)
	}
	switch {
	case o.Port < 0 || o.Port > 65535:
		return bad("Port", "must be in 0..65535", o.Port)
	case o.MaxMemory < 0:
		return bad("MaxMemory", "must not be negative", o.MaxMemory)
	case o.ClientCerts && !o.TLS:
		return bad("ClientCerts", "needs TLS", true)
	case o.AppendFsync != "" && !o.AppendOnly:
		return bad("AppendFsync", "needs AppendOnly", o.AppendFsync)
	case hasControl(o.Password):
		return fmt.Errorf("redisproc: Options.Password must hold no control character")
	case hasControl(o.MaxMemoryPolicy):
		return bad("MaxMemoryPolicy", "must hold no control character", o.MaxMemoryPolicy)
	case hasControl(o.AppendFsync):
		return bad("AppendFsync", "must hold no control character", o.AppendFsync)
	case o.Password != "" && o.defaultUserInACL():
		return fmt.Errorf("redisproc: Options.Password and a line for the user default in Options.ACL exclude each other")
	}
	for i, line := range o.ACL {
		if hasControl(line) || !strings.HasPrefix(line, "user ") {
			return fmt.Errorf(`redisproc: Options.ACL[%d] must be one line that begins with "user "`, i)
		}
	}
	return o.checkConfig()
}

func (o Options) checkConfig() error {
	for name, value := range o.Config {
		field := fmt.Sprintf("Config[%q]", name)
		if reason := owned(name); reason != "" {
			return fmt.Errorf("redisproc: Options.%s can not be set: %s", field, reason)
		}
		if !isDirective(name) {
			return fmt.Errorf("redisproc: Options.%s must be a directive: letters, digits, '-' and '.'", field)
		}
		if hasControl(value) {
			return fmt.Errorf("redisproc: Options.%s must hold no control character, got %q", field, value)
		}
		if quiet := []string{"warning", "nothing"}; strings.EqualFold(name, "loglevel") && slices.Contains(quiet, strings.ToLower(value)) {
			return fmt.Errorf("redisproc: Options.%s must be debug, verbose or notice: a start is known to be done by its line in the log, got %q", field, value)
		}
	}
	return nil
}

// defaultUserInACL reports whether the caller defines the user default.
func (o Options) defaultUserInACL() bool {
	return slices.ContainsFunc(o.ACL, func(line string) bool {
		words := strings.Fields(line)
		return len(words) > 1 && words[1] == "default"
	})
}

func (o Options) name() string {
	if o.Name == "" {
		return "redis"
	}
	return o.Name
}

// hasControl reports whether a value could end its line in a file of
// directives. A tab is the one that can not.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

func isDirective(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !letter && (r < '0' || r > '9') && r != '-' && r != '.'
	})
}
