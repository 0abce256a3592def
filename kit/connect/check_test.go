package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// Each way in which a server cannot be used has its own error and advice, and
// none shows the password.
func TestCheck_explains(t *testing.T) {
	t.Parallel()
	plain := redistest.Addr(t)
	secure := redistest.Start(t, redisproc.Options{TLS: true})
	mutual := redistest.Start(t, redisproc.Options{TLS: true, ClientCerts: true})
	guarded := redistest.Start(t, redisproc.Options{Password: "hunter2", ACL: []string{"user mute on >hunter2 ~* +get +client|setname"}})
	slotless := redistest.Start(t, redisproc.Options{Config: map[string]string{"cluster-enabled": "yes"}})
	paused := redistest.Start(t, redisproc.Options{})
	if err := paused.Pause(); err != nil {
		t.Fatal(err)
	}
	web := answering(t, "HTTP/1.1 400 Bad Request\r\n\r\n")
	deaf := answering(t, "")
	noCert := mutual.TLSConfig()
	noCert.Certificates = nil
	wrongName := secure.TLSConfig()
	wrongName.ServerName = "other.example"
	sentinel := fakeSentinel(t, "m", plain)

	for _, tt := range []struct {
		name string
		o    Options
		kind error
		says string
	}{
		{"nobody listens", Options{URL: "redis://:hunter2@127.0.0.1:1"}, ErrUnreachable, "start Redis"},
		{"no such socket", Options{URL: "unix:///no/such.sock"}, ErrUnreachable, "start Redis"},
		{"stands still", Options{URL: "redis://" + paused.Addr() + "?read_timeout=50ms"}, ErrTimeout, "firewall"},
		{"stands still, TLS", Options{URL: "rediss://" + paused.Addr() + "?dial_timeout=50ms"}, ErrTimeout, "firewall"},
		{"no password", Options{URL: "redis://" + guarded.Addr()}, ErrPasswordNeeded, "REDIS_PASSWORD"},
		{"wrong password", Options{URL: "redis://:hunter22@" + guarded.Addr()}, ErrWrongPassword, "REDIS_PASSWORD"},
		{"wrong user", Options{URL: "redis://nobody:hunter2@" + guarded.Addr()}, ErrWrongPassword, "REDIS_USERNAME"},
		{"may not ping", Options{URL: "redis://mute:hunter2@" + guarded.Addr()}, ErrPermission, "ACL SETUSER"},
		{"server wants TLS", Options{URL: "redis://:hunter2@" + secure.Addr()}, ErrTLSNeeded, "rediss://"},
		{"server has no TLS", Options{URL: "rediss://:hunter2@" + plain + "?dial_timeout=100ms"}, ErrNoTLS, "redis://"},
		{"guarded, no TLS", Options{URL: "rediss://:hunter2@" + guarded.Addr() + "?dial_timeout=100ms"}, ErrNoTLS, "redis://"},
		{"unknown authority", Options{URL: "rediss://" + secure.Addr()}, ErrCertificate, "REDIS_CA_FILE"},
		{"other name", Options{Addrs: []string{secure.Addr()}, TLS: wrongName}, ErrCertificate, "ServerName"},
		{"client certificate", Options{Addrs: []string{mutual.Addr()}, TLS: noCert}, ErrCertificate, "REDIS_CERT_FILE"},
		{"web server", Options{URL: "redis://" + web}, ErrNotRedis, "another service"},
		{"web server, TLS", Options{URL: "rediss://" + web}, ErrNoTLS, "redis://"},
		{"hangs up", Options{URL: "redis://" + deaf}, ErrNotRedis, "closes"},
		{"no such database", Options{URL: "redis://" + plain + "/99"}, ErrRefused, "database"},
		{"no cluster", Options{URL: "redis+cluster://" + plain}, ErrMode, "redis://"},
		{"no slots", Options{URL: "redis+cluster://" + slotless.Addr()}, ErrMode, "--cluster create"},
		{"cluster, nobody", Options{URL: "redis+cluster://127.0.0.1:1,127.0.0.1:2"}, ErrUnreachable, "127.0.0.1:1,127.0.0.1:2"},
		{"no Sentinel", Options{URL: "redis+sentinel://" + plain + "/m"}, ErrMode, "26379"},
		{"unknown master", Options{URL: "redis+sentinel://" + sentinel + "/other"}, ErrMode, "SENTINEL MASTERS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Check(t.Context(), open(t, tt.o))
			if !errors.Is(err, tt.kind) {
				t.Fatalf("Check = %v, want %v", err, tt.kind)
			}
			if e, ok := errors.AsType[*Error](err); !ok || e.Advice == "" || e.Cause == nil {
				t.Errorf("Check = %#v, want an *Error with advice and cause", err)
			}
			if !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("Check = %q, want it to say %q and no password", err, tt.says)
			}
		})
	}
}

// What depends on the network of the machine, or on another version of Redis,
// is explained from the error alone.
func TestExplain(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, tt := range []struct {
		err  error
		kind error
		says string
	}{
		{dial(&net.DNSError{Name: "x", IsNotFound: true}), ErrUnreachable, "spelling"},
		{dial(&net.DNSError{Name: "x", IsTimeout: true}), ErrUnreachable, "looked up"},
		{dial(syscall.EHOSTUNREACH), ErrUnreachable, "host, port and network"},
		{dial(&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}), ErrCertificate, "renew"},
		{reply("NOPERM User app has no permissions to run the 'client|setname' command"), ErrPermission, "client_name=-"},
		{reply("ERR invalid password"), ErrWrongPassword, "requirepass"},
		{reply("ERR AUTH <password> called without any password configured"), ErrWrongPassword, "has none"},
		{reply("DENIED Redis is running in protected mode"), ErrPermission, "protected mode"},
		{reply("ERR max number of clients reached"), ErrRefused, "maxclients"},
		{reply("CLUSTERDOWN Hash slot not served"), ErrMode, "CLUSTER INFO"},
		{reply("SOMETHING new"), ErrRefused, "SOMETHING new"},
	} {
		err := explain(t.Context(), target{}, tt.err)
		if !errors.Is(err, tt.kind) || !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("explain(%v) = %v, want %v that says %q", tt.err, err, tt.kind, tt.says)
		}
	}
}

// reply is an error of the server.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

// The embedded server knows no HELLO without a version; it can be used all the
// same.
func TestCheck_embedded(t *testing.T) {
	t.Parallel()
	c := open(t, Options{Addrs: []string{miniredis.RunT(t).Addr()}})
	if status, err := Check(t.Context(), c); err != nil || status.Masters != 1 {
		t.Errorf("Check = %+v, %v; want one master", status, err)
	}
}

// answering is a service that is not Redis: it answers anything with text, and
// hangs up.
func answering(t *testing.T, text string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = conn.Write([]byte(text))
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// A server that loads its data says so, and is not taken for a broken one.
func TestCheck_loading(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{Config: map[string]string{"enable-debug-command": "yes"}})
	admin := redistest.ClientOf(t, s, func(o *redis.Options) { o.ReadTimeout = time.Minute; o.MaxRetries = -1 })
	_, err := admin.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		p.Do(t.Context(), "debug", "populate", 2000)
		p.ConfigSet(t.Context(), "loading-process-events-interval-bytes", "1024")
		p.ConfigSet(t.Context(), "key-load-delay", "2500") // microseconds: 5 s in all
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reload := make(chan struct{})
	go func() {
		defer close(reload)
		admin.Do(t.Context(), "debug", "reload") // ends with the server
	}()
	c := open(t, Options{Addrs: []string{s.Addr()}})
	redistest.Eventually(t, "Check reports ErrLoading", func() bool {
		_, err := Check(t.Context(), c)
		return errors.Is(err, ErrLoading)
	})
	if err := s.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-reload
}

// Check makes one attempt, in one round trip, and nothing when the context is over.
func TestCheck_cost(t *testing.T) {
	t.Parallel()
	c := open(t, Options{Addrs: []string{redistest.Addr(t)}}).(*redis.Client)
	counter := redistest.Count(c)
	if _, err := Check(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got := counter.RoundTrips(); got != 1 {
		t.Errorf("got %d round trips, want 1", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Check(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended Check = %v, want context.Canceled", err)
	}
	if got := counter.RoundTrips(); got != 1 {
		t.Errorf("got %d round trips, want 1", got)
	}
}

// RESP 2 has no maps; the status is the same.
func TestCheck_resp2(t *testing.T) {
	t.Parallel()
	c := redistest.Client(t, func(o *redis.Options) { o.Protocol = 2 })
	status, err := Check(t.Context(), c)
	if want := (Status{Version: redistest.Server(t).Version(), Mode: "standalone", Role: "master", Masters: 1}); status != want || err != nil {
		t.Errorf("Check = %+v, %v; want %+v", status, err, want)
	}
}

// The minimum is set where the caller left it open.
func TestTLSConfig_minVersion(t *testing.T) {
	t.Parallel()
	for given, want := range map[uint16]uint16{0: tls.VersionTLS12, tls.VersionTLS12: tls.VersionTLS12, tls.VersionTLS13: tls.VersionTLS13} {
		config := &tls.Config{MinVersion: given}
		c := open(t, Options{TLS: config}).(*redis.Client)
		if got := c.Options().TLSConfig.MinVersion; got != want {
			t.Errorf("MinVersion %x became %x, want %x", given, got, want)
		}
		if config.MinVersion != given {
			t.Error("Open changed the caller's configuration")
		}
	}
}
