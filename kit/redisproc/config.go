package redisproc

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The files of a server's directory.
const (
	confFile = "redis.conf"
	aclFile  = "users.acl"
	logFile  = "redis.log"
)

// conf is the server's configuration file.
func conf(o Options, b Binary, dir string, port int) string {
	var w strings.Builder
	set := func(name string, args ...string) {
		w.WriteString(name)
		for _, arg := range args {
			w.WriteString(" " + quote(arg))
		}
		w.WriteByte('\n')
	}
	set("bind", host)
	set("protected-mode", "yes")
	set("daemonize", "no")
	set("dir", dir)
	set("logfile", filepath.Join(dir, logFile))
	listen(set, o, dir, port)
	switch {
	case o.hasACLFile():
		set("aclfile", filepath.Join(dir, aclFile))
	case o.Password != "":
		set("requirepass", o.Password)
	}
	if o.wiring.watches == "" {
		confData(set, o, b)
	}
	for _, d := range o.wiring.directives {
		set(d[0], d[1:]...)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Config)) {
		if value := o.Config[name]; value == "" {
			set(name, "")
		} else {
			fmt.Fprintf(&w, "%s %s\n", name, value)
		}
	}
	return w.String()
}

// listen sets the port and what is spoken there.
func listen(set func(string, ...string), o Options, dir string, port int) {
	if !o.TLS {
		set("port", strconv.Itoa(port))
		return
	}
	set("port", "0")
	set("tls-port", strconv.Itoa(port))
	set("tls-auth-clients", yesNo(o.ClientCerts))
	set("tls-ca-cert-file", filepath.Join(dir, caCertFile))
	set("tls-cert-file", filepath.Join(dir, serverCertFile))
	set("tls-key-file", filepath.Join(dir, serverKeyFile))
}

// confData sets what a server with data has and a Sentinel has not.
func confData(set func(string, ...string), o Options, b Binary) {
	set("save", "")
	set("appendonly", yesNo(o.AppendOnly))
	set("repl-diskless-sync-delay", "0")
	if b.major() >= 7 {
		set("enable-debug-command", "local")
	}
	if o.AppendFsync != "" {
		set("appendfsync", o.AppendFsync)
	}
	if o.MaxMemory > 0 {
		set("maxmemory", strconv.FormatInt(o.MaxMemory, 10))
	}
	if o.MaxMemoryPolicy != "" {
		set("maxmemory-policy", o.MaxMemoryPolicy)
	}
}

// acl is the server's ACL file. It replaces requirepass, so Password becomes a
// line in it, hashed: that form holds any password, also one with spaces.
func acl(o Options) string {
	lines := slices.Clone(o.ACL)
	if o.Password != "" {
		lines = append(lines, fmt.Sprintf("user default on #%x ~* &* +@all", sha256.Sum256([]byte(o.Password))))
	}
	if o.wiring.secret != "" {
		lines = append(lines, fmt.Sprintf("user %s on #%x ~* &* +@all", adminUser, sha256.Sum256([]byte(o.wiring.secret))))
	}
	return strings.Join(lines, "\n") + "\n"
}

// hasACLFile reports whether users are defined in a file, in place of
// requirepass.
func (o Options) hasACLFile() bool { return len(o.ACL) > 0 || o.wiring.secret != "" }

// quote writes one argument as redis.conf reads it: in double quotes, with a
// backslash before quotes and backslashes.
func quote(arg string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(arg) + `"`
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
