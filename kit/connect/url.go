package connect

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// schemes are what a URL may begin with.
var schemes = regexp.MustCompile(`^(redis(s)?(\+sentinel|\+cluster)?|unix)$`)

// parseURL takes a URL apart into the fields it stands for; TLS is not nil if
// it asks for TLS.
//
// It does so by hand for two reasons: net/url refuses lists of hosts, and its
// errors repeat the URL, password included. Nothing here quotes more of a URL
// than what stands behind its last "@", or the name of a parameter.
func parseURL(s string) (Options, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	m := schemes.FindStringSubmatch(scheme)
	if !ok || m == nil {
		return Options{}, badURL("it must begin with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://")
	}
	var o Options
	switch m[3] {
	case "+sentinel":
		o.Mode = Sentinel
	case "+cluster":
		o.Mode = Cluster
	default:
		o.Mode = Single
	}
	if m[2] == "s" {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	rest, err := o.takeUser(rest)
	if err != nil {
		return Options{}, err
	}
	rest, query, _ := strings.Cut(rest, "?")
	if scheme == "unix" {
		if !strings.HasPrefix(rest, "/") {
			return Options{}, badURL("unix:// needs the absolute path of a socket")
		}
		o.Addrs = []string{rest}
	} else if err := o.takeHosts(rest); err != nil {
		return Options{}, err
	}
	if err := o.takeQuery(query); err != nil {
		return Options{}, err
	}
	return o, nil
}

func badURL(format string, args ...any) error {
	return fmt.Errorf("%w: URL: %s", ErrOptions, fmt.Sprintf(format, args...))
}

// takeUser takes user and password from the front of a URL without its scheme.
func (o *Options) takeUser(s string) (rest string, err error) {
	at := strings.LastIndex(s, "@")
	if at < 0 {
		return s, nil
	}
	user, password, _ := strings.Cut(s[:at], ":")
	if strings.ContainsAny(s[:at], "/?#") {
		return "", badURL(`what stands before the last "@" is user and password: "/", "?" and "#" in them are written %%2F, %%3F and %%23`)
	}
	if o.Username, err = url.PathUnescape(user); err != nil {
		return "", badURL(`the user name holds a "%%" that begins no escape: a percent sign is written %%25`)
	}
	if o.Password, err = url.PathUnescape(password); err != nil {
		return "", badURL(`the password holds a "%%" that begins no escape: a percent sign is written %%25`)
	}
	return s[at+1:], nil
}

// takeHosts takes the addresses, the master's name and the database.
func (o *Options) takeHosts(s string) error {
	hosts, path, _ := strings.Cut(s, "/")
	port := "6379"
	if o.Mode == Sentinel {
		port = "26379"
		o.Master, path, _ = strings.Cut(path, "/")
		if o.Master == "" {
			return badURL("redis+sentinel:// needs the name of the master: redis+sentinel://host:26379/mymaster")
		}
	}
	for host := range strings.SplitSeq(hosts, ",") {
		addr, err := address(host, port)
		if err != nil {
			return err
		}
		o.Addrs = append(o.Addrs, addr)
	}
	if len(o.Addrs) > 1 && o.Mode == Single {
		return badURL("redis:// takes one host: use redis+cluster:// or redis+sentinel:// for several")
	}
	if path == "" {
		return nil
	}
	if o.Mode == Cluster {
		return badURL("a cluster has no databases: leave out %q", "/"+path)
	}
	return o.takeDB(path)
}

func (o *Options) takeDB(s string) (err error) {
	if o.DB, err = strconv.Atoi(s); err != nil || o.DB < 0 {
		return badURL("the database must be a number from 0, got %q", s)
	}
	return nil
}

// address returns host:port of a host with or without a port.
func address(s, port string) (string, error) {
	host := s
	if i := strings.LastIndex(s, ":"); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", badURL("the port of %q must be in 1..65535", s)
	}
	if inner, ok := strings.CutPrefix(host, "["); ok { // IPv6
		host, ok = strings.CutSuffix(inner, "]")
		if !ok || net.ParseIP(host) == nil {
			return "", badURL("%q is not an IPv6 address in brackets", s)
		}
	} else if host == "" || strings.ContainsAny(host, " :[]@") {
		return "", badURL("%q is not host:port", s)
	}
	return net.JoinHostPort(host, port), nil
}

// takeQuery takes the parameters after "?".
func (o *Options) takeQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return badURL("the parameters after \"?\" are not name=value&name=value with percent-encoding")
	}
	durations := map[string]*time.Duration{
		"dial_timeout": &o.DialTimeout, "read_timeout": &o.ReadTimeout,
		"write_timeout": &o.WriteTimeout, "pool_timeout": &o.PoolTimeout,
	}
	for name, list := range values {
		if len(list) > 1 {
			return badURL("parameter %q stands there twice", name)
		}
		value := list[0]
		switch d, isDuration := durations[name]; {
		case isDuration:
			if *d, err = time.ParseDuration(value); err != nil || *d <= 0 {
				return badURL("parameter %s must be a positive duration such as 500ms", name)
			}
		case name == "pool_size":
			if o.PoolSize, err = strconv.Atoi(value); err != nil || o.PoolSize < 1 {
				return badURL("parameter pool_size must be a number from 1")
			}
		case name == "client_name":
			o.Name = value
		case name == "db" && isSocket(o.Addrs[0]):
			if err := o.takeDB(value); err != nil {
				return err
			}
		default:
			return badURL("unknown parameter %q: there are client_name, dial_timeout, read_timeout, write_timeout, pool_timeout, pool_size, and db for unix://", name)
		}
	}
	return nil
}
