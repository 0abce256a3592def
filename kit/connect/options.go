package connect

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrOptions is what Open answers to options that cannot be used: the error
// names the field or variable, the rule, and the value unless that is secret.
var ErrOptions = errors.New("connect: bad options")

// Mode says what a program connects to.
type Mode string

// The modes.
const (
	Single   Mode = "single"   // one server
	Sentinel Mode = "sentinel" // the master that Sentinels name, whoever it is
	Cluster  Mode = "cluster"  // all masters of a Redis Cluster
)

// The defaults of Options. A program that serves people has no use for an
// answer that comes later than these; a shorter context still wins.
const (
	// DefaultDialTimeout covers a lost first packet, which TCP repeats after a
	// second, and a TLS handshake.
	DefaultDialTimeout = 2 * time.Second
	// DefaultReadTimeout is a thousand times what Redis needs for a command.
	// Blocking commands have timeouts of their own.
	DefaultReadTimeout = time.Second
	// DefaultWriteTimeout is as long: a write waits only for a full socket
	// buffer, which is a server that stands still.
	DefaultWriteTimeout = time.Second
	// DefaultPoolTimeout is how long a call waits for a connection while all are
	// in use. More waiting would only hide that there are too few.
	DefaultPoolTimeout = time.Second
)

// NoName as Options.Name leaves the connections without a name, for an ACL user
// that may not run CLIENT SETNAME.
const NoName = "-"

// Options say where Redis is and how to talk to it. Zero Options are
// redis://127.0.0.1:6379. Most callers need URL only, or FromEnv.
//
// Printing Options shows no password, with any verb, in JSON, or in a log.
type Options struct {
	// URL holds most of the other fields; a field that is set besides wins.
	//
	//	redis://[[user]:password@]host[:6379][/db]
	//	rediss://…                                  the same over TLS
	//	unix://[[user]:password@]/path/to.sock[?db=1]
	//	redis+sentinel://[[user]:password@]host[:26379],host…/master[/db]
	//	redis+cluster://[[user]:password@]host[:6379],host…
	//
	// rediss+sentinel and rediss+cluster use TLS. Parameters after "?" are
	// client_name, dial_timeout, read_timeout, write_timeout, pool_timeout (such
	// as 500ms) and pool_size. Reserved characters in user and password are
	// percent-encoded: p%40ss is p@ss.
	URL string

	// Mode is Single when empty.
	Mode Mode
	// Addrs are host:port addresses, or one absolute path of a socket. For
	// Sentinel they are those of the Sentinels, for Cluster those of some nodes.
	// Empty is 127.0.0.1:6379; Sentinel needs at least one.
	Addrs []string
	// Master is the name that the Sentinels know the master by. Sentinel needs
	// it, the others refuse it.
	Master string
	// DB is the number of the database. Zero is the default one; negative is an
	// error, and so is any but zero for Cluster.
	DB int

	// Username is the ACL user. Empty is the user "default".
	Username string
	// Password of the user. Empty is none.
	Password string
	// PasswordFile holds the password, in place of Password. It is read again
	// for each new connection, so that a rotated password needs no restart. One
	// line ending at its end is ignored. Empty is none.
	PasswordFile string
	// SentinelUsername and SentinelPassword are for the Sentinels themselves,
	// which have their own users. Empty is none.
	SentinelUsername, SentinelPassword string

	// TLS turns on TLS with this configuration; it is copied. Nil is a
	// configuration made of the files below, if the URL says rediss or one of
	// them is set; else no TLS. MinVersion zero is TLS 1.2, and less is an error.
	TLS *tls.Config
	// CAFile holds the PEM certificates that the server's must lead to. Empty
	// trusts those of the system.
	CAFile string
	// CertFile and KeyFile hold this client's own certificate and key in PEM,
	// for servers that ask for one. Both or none.
	CertFile, KeyFile string

	// Name is how CLIENT LIST shows the connections; printable ASCII without
	// spaces. Empty is the name of the program, and NoName is none.
	Name string

	// DialTimeout bounds the making of a connection, TLS and all. Zero is
	// DefaultDialTimeout; negative is an error, as for the other timeouts: a
	// client without one hangs when the server does.
	DialTimeout time.Duration
	// ReadTimeout bounds the wait for a reply. Zero is DefaultReadTimeout.
	ReadTimeout time.Duration
	// WriteTimeout bounds the sending of a command. Zero is DefaultWriteTimeout.
	WriteTimeout time.Duration
	// PoolTimeout bounds the wait for a free connection. Zero is
	// DefaultPoolTimeout.
	PoolTimeout time.Duration
	// PoolSize is the number of connections, to each node of a cluster. Zero is
	// go-redis's default of 10 a CPU (5 in a cluster); negative is an error.
	PoolSize int

	// Eager makes Open call Check, and fail when it does.
	Eager bool

	err error // of FromEnv; Open reports it
}

// String shows where the options lead, without any password.
func (o Options) String() string {
	r, err := o.resolve()
	if err != nil {
		return "connect.Options(" + err.Error() + ")"
	}
	scheme := "redis"
	if r.TLS != nil {
		scheme = "rediss"
	}
	if r.Mode != Single {
		scheme += "+" + string(r.Mode)
	}
	user := ""
	if r.Username != "" || r.Password != "" || r.PasswordFile != "" {
		user = r.Username + ":***@"
	}
	if isSocket(r.Addrs[0]) {
		return fmt.Sprintf("unix://%s%s?db=%d", user, r.Addrs[0], r.DB)
	}
	path := ""
	if r.Mode == Sentinel {
		path = "/" + r.Master
	}
	if r.Mode != Cluster {
		path += fmt.Sprintf("/%d", r.DB)
	}
	return scheme + "://" + user + strings.Join(r.Addrs, ",") + path
}

// GoString is String, for %#v.
func (o Options) GoString() string { return o.String() }

// MarshalText is String, for encoders and logs.
func (o Options) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// resolve returns the options with those of the URL in the fields, the defaults
// in place of zeros, and everything checked. URL is empty then, and TLS is nil
// exactly if there is none.
func (o Options) resolve() (Options, error) {
	if o.err != nil {
		return Options{}, o.err
	}
	if err := o.merge(); err != nil {
		return Options{}, err
	}
	if err := o.checkTarget(); err != nil {
		return Options{}, err
	}
	if err := o.checkLimits(); err != nil {
		return Options{}, err
	}
	o.Mode = cmp.Or(o.Mode, Single)
	if len(o.Addrs) == 0 {
		o.Addrs = []string{"127.0.0.1:6379"}
	}
	o.Name = cmp.Or(o.Name, programName())
	o.DialTimeout = cmp.Or(o.DialTimeout, DefaultDialTimeout)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, DefaultReadTimeout)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, DefaultWriteTimeout)
	o.PoolTimeout = cmp.Or(o.PoolTimeout, DefaultPoolTimeout)
	return o, nil
}

// merge takes over from the URL what no field says.
func (o *Options) merge() error {
	wantsTLS := o.TLS != nil || o.CAFile != "" || o.CertFile != "" || o.KeyFile != ""
	if o.URL != "" {
		u, err := parseURL(o.URL)
		if err != nil {
			return err
		}
		if wantsTLS && u.TLS == nil {
			return fmt.Errorf("%w: Options.URL must begin with rediss for TLS, which Options.TLS or a file asks for", ErrOptions)
		}
		wantsTLS = u.TLS != nil
		o.URL = ""
		o.Mode = cmp.Or(o.Mode, u.Mode)
		if len(o.Addrs) == 0 {
			o.Addrs = u.Addrs
		}
		o.Master = cmp.Or(o.Master, u.Master)
		o.DB = cmp.Or(o.DB, u.DB)
		o.Username = cmp.Or(o.Username, u.Username)
		if o.PasswordFile == "" {
			o.Password = cmp.Or(o.Password, u.Password)
		}
		o.Name = cmp.Or(o.Name, u.Name)
		o.DialTimeout = cmp.Or(o.DialTimeout, u.DialTimeout)
		o.ReadTimeout = cmp.Or(o.ReadTimeout, u.ReadTimeout)
		o.WriteTimeout = cmp.Or(o.WriteTimeout, u.WriteTimeout)
		o.PoolTimeout = cmp.Or(o.PoolTimeout, u.PoolTimeout)
		o.PoolSize = cmp.Or(o.PoolSize, u.PoolSize)
	}
	if wantsTLS && o.TLS == nil {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return nil
}

// checkTarget checks what says where to connect, and as whom.
func (o *Options) checkTarget() error {
	switch {
	case o.Mode != "" && o.Mode != Single && o.Mode != Sentinel && o.Mode != Cluster:
		return bad("Mode", "must be single, sentinel or cluster", string(o.Mode))
	case o.Mode == Sentinel && o.Master == "":
		return bad("Master", "must be set for Sentinel", "")
	case o.Mode == Sentinel && len(o.Addrs) == 0:
		return bad("Addrs", "must name the Sentinels", "")
	case o.Mode != Sentinel && o.Master != "":
		return bad("Master", "is for Sentinel only", o.Master)
	case o.DB < 0:
		return bad("DB", "must not be negative", o.DB)
	case o.Mode == Cluster && o.DB != 0:
		return bad("DB", "must be 0 in a cluster", o.DB)
	case o.Mode != Cluster && o.Mode != Sentinel && len(o.Addrs) > 1:
		return bad("Addrs", "must be one for a single server", len(o.Addrs))
	case o.Password != "" && o.PasswordFile != "":
		return fmt.Errorf("%w: Options.Password and Options.PasswordFile exclude each other", ErrOptions)
	}
	for _, addr := range o.Addrs {
		if isSocket(addr) && o.Mode != Cluster && o.Mode != Sentinel {
			continue
		}
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
			return bad("Addrs", "must be host:port, or the path of a socket for a single server", addr)
		}
	}
	return nil
}

// isSocket reports whether an address is the path of a socket.
func isSocket(addr string) bool { return strings.HasPrefix(addr, "/") }

// checkLimits checks timeouts, numbers and TLS.
func (o *Options) checkLimits() error {
	for _, t := range []struct {
		field string
		value time.Duration
	}{
		{"DialTimeout", o.DialTimeout}, {"ReadTimeout", o.ReadTimeout},
		{"WriteTimeout", o.WriteTimeout}, {"PoolTimeout", o.PoolTimeout},
	} {
		if t.value < 0 {
			return bad(t.field, "must be positive", t.value)
		}
	}
	switch {
	case o.PoolSize < 0:
		return bad("PoolSize", "must not be negative", o.PoolSize)
	case (o.CertFile == "") != (o.KeyFile == ""):
		return fmt.Errorf("%w: Options.CertFile and Options.KeyFile need each other", ErrOptions)
	case o.TLS != nil && o.TLS.MinVersion != 0 && o.TLS.MinVersion < tls.VersionTLS12:
		return bad("TLS.MinVersion", "must be at least TLS 1.2", tls.VersionName(o.TLS.MinVersion))
	case strings.ContainsFunc(o.Name, notInName):
		return bad("Name", "must be printable ASCII without spaces", o.Name)
	}
	return nil
}

// bad is an error that names field, rule and value.
func bad(field, rule string, value any) error {
	if s, ok := value.(string); ok {
		value = fmt.Sprintf("%q", s)
	}
	return fmt.Errorf("%w: Options.%s %s, got %v", ErrOptions, field, rule, value)
}

// notInName reports what CLIENT SETNAME refuses.
func notInName(r rune) bool { return r <= ' ' || r > '~' }

// programName is the name of the running program, as CLIENT SETNAME takes it.
func programName() string {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	return strings.Map(func(r rune) rune {
		if notInName(r) {
			return '-'
		}
		return r
	}, name)
}
