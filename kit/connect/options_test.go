package connect

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOptions_defaults(t *testing.T) {
	t.Parallel()
	got, err := Options{}.resolve()
	if err != nil {
		t.Fatal(err)
	}
	want := Options{
		Mode: Single, Addrs: []string{"127.0.0.1:6379"}, Name: "connect.test", DialTimeout: DefaultDialTimeout,
		ReadTimeout: DefaultReadTimeout, WriteTimeout: DefaultWriteTimeout, PoolTimeout: DefaultPoolTimeout,
	}
	if diff := cmp.Diff(want, got, sameOptions); diff != "" || got.TLS != nil {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A field that is set wins over the URL.
func TestOptions_fieldsWin(t *testing.T) {
	t.Parallel()
	o := Options{
		URL: "rediss://u:p@a:1/2?client_name=n&read_timeout=1s&pool_size=3", Addrs: []string{"b:2"}, DB: 7,
		Username: "user", Password: "pass", Name: "name", ReadTimeout: time.Minute, PoolSize: 9,
	}
	got, err := o.resolve()
	if err != nil {
		t.Fatal(err)
	}
	want := Options{
		Mode: Single, Addrs: []string{"b:2"}, DB: 7, Username: "user", Password: "pass", Name: "name", PoolSize: 9,
		DialTimeout: DefaultDialTimeout, ReadTimeout: time.Minute, WriteTimeout: DefaultWriteTimeout, PoolTimeout: DefaultPoolTimeout,
	}
	if diff := cmp.Diff(want, got, sameOptions); diff != "" || got.TLS == nil {
		t.Errorf("TLS %v, -want +got\n%s", got.TLS, diff)
	}
	// A file takes the place of the URL's password.
	if got, err := (Options{URL: "redis://:old@a", PasswordFile: "f"}).resolve(); err != nil || got.Password != "" {
		t.Errorf("with a password file resolve = password %q, %v; want none", got.Password, err)
	}
}

func TestOptions_refused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    Options
		says string
	}{
		{Options{Mode: "ring"}, `Options.Mode must be single, sentinel or cluster, got "ring"`},
		{Options{Mode: Sentinel, Addrs: []string{"a:1"}}, "Options.Master must be set"},
		{Options{Mode: Sentinel, Master: "m"}, "Options.Addrs must name the Sentinels"},
		{Options{Master: "m"}, "Options.Master is for Sentinel only"},
		{Options{DB: -1}, "Options.DB must not be negative, got -1"},
		{Options{Mode: Cluster, DB: 1}, "Options.DB must be 0 in a cluster"},
		{Options{Addrs: []string{"a:1", "b:2"}}, "Options.Addrs must be one"},
		{Options{Addrs: []string{"a"}}, `must be host:port, or the path of a socket for a single server, got "a"`},
		{Options{Mode: Cluster, Addrs: []string{"/run/redis.sock"}}, "must be host:port"},
		{Options{Password: "hunter2", PasswordFile: "f"}, "exclude each other"},
		{Options{DialTimeout: -1}, "Options.DialTimeout must be positive, got -1ns"},
		{Options{ReadTimeout: -time.Second}, "Options.ReadTimeout must be positive, got -1s"},
		{Options{WriteTimeout: -1}, "Options.WriteTimeout"},
		{Options{PoolTimeout: -1}, "Options.PoolTimeout"},
		{Options{PoolSize: -1}, "Options.PoolSize must not be negative"},
		{Options{CertFile: "c"}, "need each other"},
		{Options{KeyFile: "c"}, "need each other"},
		{Options{TLS: &tls.Config{MinVersion: tls.VersionTLS11}}, "Options.TLS.MinVersion must be at least TLS 1.2, got \"TLS 1.1\""},
		{Options{Name: "my app"}, "Options.Name must be printable ASCII"},
		{Options{URL: "redis://a", CAFile: "ca.pem"}, "must begin with rediss"},
		{Options{CAFile: "no such file"}, "Options.CAFile: open no such file"},
		{Options{CAFile: "options_test.go"}, "holds no PEM certificate"},
		{Options{CertFile: "options_test.go", KeyFile: "options_test.go"}, "Options.CertFile"},
		{Options{PasswordFile: "no such file"}, "Options.PasswordFile: open no such file"},
		{Options{PasswordFile: os.DevNull}, "is empty"},
	} {
		c, err := Open(t.Context(), tt.o)
		if !errors.Is(err, ErrOptions) || c != nil {
			t.Errorf("Open(%v) = %v, %v; want ErrOptions", tt.o, c, err)
			continue
		}
		if !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %q, want it to say %q and no password", err, tt.says)
		}
	}
}

// Options show where they lead, and never a password, however they are printed.
func TestOptions_String(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{}, "redis://127.0.0.1:6379/0"},
		{Options{URL: "rediss://app:hunter2@a/3"}, "rediss://app:***@a:6379/3"},
		{Options{URL: "redis+cluster://:hunter2@a,b"}, "redis+cluster://:***@a:6379,b:6379"},
		{Options{URL: "redis+sentinel://a/m", Password: "hunter2", SentinelPassword: "hunter2"}, "redis+sentinel://:***@a:26379/m/0"},
		{Options{URL: "unix://:hunter2@/run/r.sock"}, "unix://:***@/run/r.sock?db=0"},
		{Options{URL: "redis://:hunter2/@a"}, "connect.Options(connect: bad options: URL: what stands before"},
	} {
		marshalled, err := json.Marshal(tt.o)
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "o", tt.o)
		for _, got := range []string{
			tt.o.String(), fmt.Sprintf("%v", tt.o), fmt.Sprintf("%+v", tt.o), fmt.Sprintf("%#v", tt.o),
			fmt.Sprintf("%s", tt.o), fmt.Sprintf("%v", &tt.o), string(marshalled), log.String(), //nolint:staticcheck // %s is one of the ways tried
		} {
			if !strings.Contains(got, tt.want) || strings.Contains(got, "hunter2") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		}
	}
}

func TestFromEnv(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("from file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"REDIS_URL": "rediss+sentinel://a/m", "REDIS_USERNAME": "u", "REDIS_PASSWORD_FILE": file,
		"REDIS_SENTINEL_USERNAME": "su", "REDIS_SENTINEL_PASSWORD_FILE": file,
		"REDIS_CA_FILE": "ca", "REDIS_CERT_FILE": "cert", "REDIS_KEY_FILE": "key", "REDIS_CLIENT_NAME": "n",
	}
	got := fromEnv(func(name string) string { return env[name] })
	want := Options{
		URL: "rediss+sentinel://a/m", Username: "u", PasswordFile: file, SentinelUsername: "su", SentinelPassword: "from file",
		CAFile: "ca", CertFile: "cert", KeyFile: "key", Name: "n",
	}
	if diff := cmp.Diff(want, got, sameOptions); diff != "" || got.err != nil {
		t.Errorf("error %v, -want +got\n%s", got.err, diff)
	}
	if diff := cmp.Diff(Options{}, fromEnv(func(string) string { return "" }), sameOptions); diff != "" {
		t.Errorf("an empty environment: -want +got\n%s", diff)
	}
}

// What is wrong with the environment is reported by Open, by the names there.
func TestFromEnv_refused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  map[string]string
		says string
	}{
		{map[string]string{"REDIS_PASSWORD": "hunter2", "REDIS_PASSWORD_FILE": "f"}, "REDIS_PASSWORD and REDIS_PASSWORD_FILE exclude"},
		{map[string]string{"REDIS_SENTINEL_PASSWORD": "hunter2", "REDIS_SENTINEL_PASSWORD_FILE": "f"}, "REDIS_SENTINEL_PASSWORD and"},
		{map[string]string{"REDIS_SENTINEL_PASSWORD_FILE": "no such file"}, "REDIS_SENTINEL_PASSWORD_FILE: open no such file"},
		{map[string]string{"REDIS_URL": "://hunter2"}, "must begin with"},
	} {
		_, err := Open(t.Context(), fromEnv(func(name string) string { return tt.env[name] }))
		if !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: got %v, want ErrOptions that says %q", tt.env, err, tt.says)
		}
	}
}
