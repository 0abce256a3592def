//go:build solution

// Package exercise reads the settings of a program.
package exercise

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Secret is a text that must not be shown: not by any verb of fmt, not in JSON, not
// by log/slog, alone or as a field of something that is printed.
type Secret struct{ text string }

// Reveal returns the text, for the one place that needs it.
func (s Secret) Reveal() string { return s.text }

const masked = "***"

// Format answers every verb of fmt, %#v and %x too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// MarshalText answers JSON, slog and other encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// Settings are what the program runs with.
type Settings struct {
	Profile     string // development, staging or production
	Addr        string // host:port of Redis
	Password    Secret
	TLS         bool
	ReadTimeout time.Duration
	PoolSize    int
}

// reader reads variables and collects what is wrong with them.
type reader struct {
	env   map[string]string
	wrong []error
}

func (r *reader) refuse(name, rule string) {
	r.wrong = append(r.wrong, fmt.Errorf("%s %s", name, rule))
}

var known = []string{"APP_PROFILE", "REDIS_URL", "REDIS_READ_TIMEOUT", "REDIS_POOL_SIZE"}

// Parse reads settings from the environment, given as a map.
//
//	APP_PROFILE         development (default), staging or production
//	REDIS_URL           redis://[[user]:password@]host:port, or rediss:// for TLS;
//	                    default redis://127.0.0.1:6379, in development only: elsewhere
//	                    it must be set
//	REDIS_READ_TIMEOUT  a time with its unit, 1ms to 10s; default 500ms
//	REDIS_POOL_SIZE     1 to 1000; default 10
//
// Staging and production demand a password, production demands TLS. A variable that
// begins with APP_ or REDIS_ and is none of these is a mistake; others are not ours.
//
// The error tells every mistake, each by the name of its variable, and never any part
// of the password. With an error the Settings are zero.
func Parse(env map[string]string) (Settings, error) {
	r := &reader{env: env}
	s := Settings{Profile: "development", ReadTimeout: 500 * time.Millisecond, PoolSize: 10}
	r.names()
	if text, ok := env["APP_PROFILE"]; ok {
		s.Profile = text
	}
	if !slices.Contains([]string{"development", "staging", "production"}, s.Profile) {
		r.refuse("APP_PROFILE", "must be development, staging or production")
	}
	r.url(&s)
	if text, ok := env["REDIS_READ_TIMEOUT"]; ok {
		d, err := time.ParseDuration(text)
		if err != nil || d < time.Millisecond || d > 10*time.Second {
			r.refuse("REDIS_READ_TIMEOUT", "must be a time with its unit, 1ms to 10s")
		}
		s.ReadTimeout = d
	}
	if text, ok := env["REDIS_POOL_SIZE"]; ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			r.refuse("REDIS_POOL_SIZE", "must be 1 to 1000")
		}
		s.PoolSize = n
	}
	if len(r.wrong) > 0 {
		return Settings{}, errors.Join(r.wrong...)
	}
	return s, nil
}

func (r *reader) names() {
	for name := range r.env {
		ours := strings.HasPrefix(name, "APP_") || strings.HasPrefix(name, "REDIS_")
		if ours && !slices.Contains(known, name) {
			r.refuse(name, "is no setting of this program")
		}
	}
}

// url reads where Redis is. What net/url says of a mistake is not repeated: it holds
// the whole URL.
func (r *reader) url(s *Settings) {
	text, ok := r.env["REDIS_URL"]
	if !ok {
		if s.Profile != "development" {
			r.refuse("REDIS_URL", "must be set outside of development")
			return
		}
		text = "redis://127.0.0.1:6379"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" {
		r.refuse("REDIS_URL", "must be redis://host:port or rediss://host:port")
		return
	}
	host, port, err := net.SplitHostPort(u.Host)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || host == "" || n < 1 || n > 65535 {
		r.refuse("REDIS_URL", "must name host and port")
		return
	}
	password, _ := u.User.Password()
	s.Addr, s.TLS, s.Password = u.Host, u.Scheme == "rediss", Secret{password}
	if s.Profile != "development" && password == "" {
		r.refuse("REDIS_URL", "must hold a password outside of development")
	}
	if s.Profile == "production" && !s.TLS {
		r.refuse("REDIS_URL", "must begin with rediss:// in production")
	}
}
