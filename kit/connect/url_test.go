package connect

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameOptions compares Options, TLS only by whether there is one.
var sameOptions = cmp.Options{cmpopts.IgnoreFields(Options{}, "TLS", "err")}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		want Options
		tls  bool
	}{
		{"redis://host", Options{Mode: Single, Addrs: []string{"host:6379"}}, false},
		{"redis://host:1234/", Options{Mode: Single, Addrs: []string{"host:1234"}}, false},
		{"redis://host:1234/5", Options{Mode: Single, Addrs: []string{"host:1234"}, DB: 5}, false},
		{"rediss://:pw@host", Options{Mode: Single, Addrs: []string{"host:6379"}, Password: "pw"}, true},
		{"redis://app@host", Options{Mode: Single, Addrs: []string{"host:6379"}, Username: "app"}, false},
		{"redis://app:p%40s%2Fs%25+:@host", Options{Mode: Single, Addrs: []string{"host:6379"}, Username: "app", Password: "p@s/s%+:"}, false},
		{"redis://app:p@ss@host", Options{Mode: Single, Addrs: []string{"host:6379"}, Username: "app", Password: "p@ss"}, false},
		{"redis://[::1]", Options{Mode: Single, Addrs: []string{"[::1]:6379"}}, false},
		{"redis://[fe80::1]:7000/1", Options{Mode: Single, Addrs: []string{"[fe80::1]:7000"}, DB: 1}, false},
		{"unix:///run/redis.sock", Options{Mode: Single, Addrs: []string{"/run/redis.sock"}}, false},
		{"unix://u:p@/run/redis.sock?db=2", Options{Mode: Single, Addrs: []string{"/run/redis.sock"}, Username: "u", Password: "p", DB: 2}, false},
		{"redis+cluster://a,b:7001,[::1]", Options{Mode: Cluster, Addrs: []string{"a:6379", "b:7001", "[::1]:6379"}}, false},
		{"rediss+cluster://:pw@a/", Options{Mode: Cluster, Addrs: []string{"a:6379"}, Password: "pw"}, true},
		{"redis+sentinel://a,b:5000/mymaster", Options{Mode: Sentinel, Addrs: []string{"a:26379", "b:5000"}, Master: "mymaster"}, false},
		{"rediss+sentinel://u:p@a/m/3", Options{Mode: Sentinel, Addrs: []string{"a:26379"}, Master: "m", DB: 3, Username: "u", Password: "p"}, true},
		{
			"redis://host?client_name=api&dial_timeout=3s&read_timeout=500ms&write_timeout=1s&pool_timeout=2s&pool_size=7",
			Options{
				Mode: Single, Addrs: []string{"host:6379"}, Name: "api", PoolSize: 7, DialTimeout: 3 * time.Second,
				ReadTimeout: 500 * time.Millisecond, WriteTimeout: time.Second, PoolTimeout: 2 * time.Second,
			}, false,
		},
	} {
		got, err := parseURL(tt.url)
		if err != nil {
			t.Errorf("parseURL(%q): %v", tt.url, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, sameOptions); diff != "" {
			t.Errorf("parseURL(%q): -want +got\n%s", tt.url, diff)
		}
		if got := got.TLS != nil; got != tt.tls {
			t.Errorf("parseURL(%q) asks for TLS: %v, want %v", tt.url, got, tt.tls)
		}
	}
}

// Each refusal names what is wrong, and none the password.
func TestParseURL_refuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, says string }{
		{"", "must begin with"},
		{"hunter2", "must begin with"},
		{":hunter2@host:6379", "must begin with"},
		{"http://:hunter2@host", "must begin with"},
		{"unixs:///x", "must begin with"},
		{"redis+sentinels://x", "must begin with"},
		{"redis://:hunter2/x@host", "%2F"},
		{"redis://:hunter2?x@host", "%3F"},
		{"redis://:hunter2%zz@host", "password holds"},
		{"redis://%zz:hunter2@host", "user name holds"},
		{"redis://:hunter2@", "not host:port"},
		{"redis://:hunter2@:6379", "not host:port"},
		{"redis://:hunter2@host:0", "1..65535"},
		{"redis://:hunter2@host:65536", "1..65535"},
		{"redis://:hunter2@host:port", "1..65535"},
		{"redis://:hunter2@::1", "not host:port"},
		{"redis://:hunter2@[::1", "IPv6"},
		{"redis://:hunter2@[nonsense]:1", "IPv6"},
		{"redis://:hunter2@a,b", "redis+cluster://"},
		{"redis://:hunter2@host/one", "must be a number"},
		{"redis://:hunter2@host/-1", "must be a number"},
		{"redis://:hunter2@host/1/2", "must be a number"},
		{"redis+cluster://:hunter2@a,b/1", "no databases"},
		{"redis+sentinel://:hunter2@a", "name of the master"},
		{"redis+sentinel://:hunter2@a/m/x", "must be a number"},
		{"unix://:hunter2@run.sock", "absolute path"},
		{"unix://:hunter2@/run.sock?db=x", "must be a number"},
		{"redis://host?password=hunter2", `unknown parameter "password"`},
		{"redis://host?db=1", `unknown parameter "db"`},
		{"redis://host?read_timeout=5", "positive duration"},
		{"redis://host?read_timeout=-5s", "positive duration"},
		{"redis://host?pool_size=0", "from 1"},
		{"redis://host?pool_size=1&pool_size=2", "twice"},
		{"redis://host?%zz", "percent-encoding"},
	} {
		_, err := parseURL(tt.url)
		if !errors.Is(err, ErrOptions) {
			t.Errorf("parseURL(%q) = %v, want ErrOptions", tt.url, err)
			continue
		}
		if !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("parseURL(%q) = %q, want it to say %q and not the password", tt.url, err, tt.says)
		}
	}
}

// Whatever stands around a password, no error and no picture of the options
// shows it.
func FuzzParseURL(f *testing.F) {
	f.Add("redis://", "", "host:6379/1?pool_size=5")
	f.Add("redis+sentinel://user", "/x%2F", "a,b:26379/master/2")
	f.Add("rediss+cluster://", "@:?#", "[::1]:7000,h?read_timeout=1s")
	f.Add("unix://", "%zz", "/run/redis.sock?db=3")
	f.Add("", "", "host")
	f.Fuzz(func(t *testing.T, head, noise, tail string) {
		const secret = "s3cr3tHunter"
		if strings.Contains(tail, "@") { // then it would be a part of the password
			return
		}
		o := Options{URL: head + ":" + secret + noise + "@" + tail}
		if _, err := o.resolve(); err != nil {
			if !errors.Is(err, ErrOptions) {
				t.Errorf("got %v, want ErrOptions", err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q shows the password", err)
			}
		}
		if s := o.String(); strings.Contains(s, secret) {
			t.Errorf("String() = %q shows the password", s)
		}
		_, _ = parseURL(head) // any text at all: no panic
	})
}
