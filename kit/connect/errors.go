package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// Why a server cannot be used. Check wraps one of these in an Error.
var (
	ErrUnreachable    = errors.New("nobody answers there")
	ErrTimeout        = errors.New("no answer in time")
	ErrWrongPassword  = errors.New("wrong user name or password")
	ErrPasswordNeeded = errors.New("the server asks for a password")
	ErrPermission     = errors.New("the user may not do this")
	ErrTLSNeeded      = errors.New("the server speaks TLS only")
	ErrNoTLS          = errors.New("the server speaks no TLS")
	ErrCertificate    = errors.New("a certificate was refused")
	ErrLoading        = errors.New("the server is still loading its data")
	ErrNotRedis       = errors.New("not a Redis server")
	ErrMode           = errors.New("not that kind of server")
	ErrRefused        = errors.New("the server refused") // for any other reason, which it states
)

// Error says what is wrong with a server, and what to do. It matches its Kind
// and its Cause with errors.Is.
type Error struct {
	Kind   error  // one of the errors above
	Addr   string // of the server, or of several
	Advice string // what to do next, without a full stop
	Cause  error  // what the client or the server said
}

// Error is one line. It holds no password.
func (e *Error) Error() string {
	return fmt.Sprintf("connect: %s: %v: %s: %v", e.Addr, e.Kind, e.Advice, e.Cause)
}

// Unwrap gives Kind and Cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Cause} }

// answer is the beginning of what a server or Sentinel answers, and its meaning.
type answer struct {
	prefix string
	kind   error
	advice string
}

// answers returns the known answers; the first that fits is meant.
func answers() []answer {
	return []answer{
		{"WRONGPASS", ErrWrongPassword, "set REDIS_USERNAME and REDIS_PASSWORD, or the user in the URL, to one that ACL LIST shows as on"},
		{"ERR invalid password", ErrWrongPassword, "set REDIS_PASSWORD, or the one in the URL, to the server's requirepass"},
		{"ERR AUTH", ErrWrongPassword, "leave the password out, the server has none"},
		{"NOAUTH", ErrPasswordNeeded, "set REDIS_PASSWORD, or write redis://:password@host"},
		{"NOPERM", ErrPermission, "connect as another user, or allow it with ACL SETUSER"},
		{"LOADING", ErrLoading, "wait until it has read its snapshot or append-only file; INFO persistence shows how far it is"},
		{"DENIED", ErrPermission, "the server is in protected mode: give it a password, or bind it to the address you use"},
		{"ERR This instance has cluster support disabled", ErrMode, "it is no cluster node: use redis:// in place of redis+cluster://"},
		{"ERR unknown command 'sentinel'", ErrMode, "it is no Sentinel: give the Sentinels' own port, usually 26379, or use redis://"},
		{"CLUSTERDOWN", ErrMode, "the cluster does not serve all slots: look at CLUSTER INFO"},
		{"ERR DB index is out of range", ErrRefused, "use a database that the server has; CONFIG GET databases says how many"},
		{"ERR max number of clients", ErrRefused, "raise maxclients on the server, or use fewer connections"},
	}
}

// explain returns the Error for what went wrong with target.
func explain(ctx context.Context, target target, err error) *Error {
	e := &Error{Addr: target.name(), Cause: err}
	if e.Advice, e.Kind = answered(err); e.Kind == nil {
		e.Advice, e.Kind = failed(ctx, target, err)
	}
	return e
}

// answered reads an answer, also one that another error holds as text: go-redis
// puts those of Sentinels together.
func answered(err error) (advice string, kind error) {
	text := err.Error()
	reply, isReply := errors.AsType[redis.Error](err)
	if isReply && strings.HasPrefix(text, "NOPERM") && strings.Contains(text, "client|setname") {
		return "allow it with +client|setname, or leave connections unnamed with client_name=-", ErrPermission
	}
	for _, a := range answers() {
		if isReply && strings.HasPrefix(reply.Error(), a.prefix) || strings.Contains(text, ": "+a.prefix) {
			return a.advice, a.kind
		}
	}
	if errors.Is(err, redis.Nil) {
		return "the Sentinels do not know a master of that name; SENTINEL MASTERS lists them", ErrMode
	}
	if errors.Is(err, errNoMasters) || strings.HasSuffix(text, "cluster has no nodes") {
		return "the cluster has no slots yet: make it with redis-cli --cluster create, or use redis:// for a single server", ErrMode
	}
	if isReply {
		return "read what it says", ErrRefused
	}
	return "", nil
}

// failed reads an error of the way to the server. Two of them are ambiguous,
// because neither side understands the other when one speaks TLS: then the
// server is asked once more in the other language.
func failed(ctx context.Context, target target, err error) (advice string, kind error) {
	const (
		useTLS   = "write rediss:// in place of redis://"
		usePlain = "write redis:// in place of rediss://, if the network is yours"
	)
	if advice, kind := certificate(err); kind != nil {
		return advice, kind
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return usePlain, ErrNoTLS
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		if name.IsNotFound {
			return "no such host name: check the spelling", ErrUnreachable
		}
		return "the name could not be looked up: check the network, or give an address", ErrUnreachable
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT):
		return "start Redis there, or check host and port", ErrUnreachable
	case strings.Contains(err.Error(), "can't parse"):
		return "another service listens there: check the port", ErrNotRedis
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
		if target.speaksTLS(ctx) {
			return useTLS, ErrTLSNeeded
		}
		return "it closes the connection without an answer: check the port, and what stands between", ErrNotRedis
	case isTimeout(err):
		if target.speaksPlain(ctx) {
			return usePlain, ErrNoTLS
		}
		return "look whether the server or a firewall holds connections up", ErrTimeout
	}
	return "check host, port and network", ErrUnreachable
}

// certificate recognises what either side says about the other's certificate.
func certificate(err error) (advice string, kind error) {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "set REDIS_CA_FILE to the certificate of the authority that signed the server's", ErrCertificate
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "connect by a name that the certificate holds, or set Options.TLS.ServerName to one", ErrCertificate
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "renew the server's certificate, or check this machine's clock", ErrCertificate
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok || strings.Contains(err.Error(), "remote error: tls:") {
		return "the server wants a certificate of its own authority: set REDIS_CERT_FILE and REDIS_KEY_FILE", ErrCertificate
	}
	return "", nil
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}
