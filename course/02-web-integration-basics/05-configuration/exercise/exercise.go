//go:build !solution

// Package exercise reads the settings of a program.
package exercise

import (
	"errors"
	"time"
)

// ErrNotImplemented is what the functions return until you write them.
var ErrNotImplemented = errors.New("not written yet")

// Secret is a text that must not be shown: not by any verb of fmt, not in JSON, not
// by log/slog, alone or as a field of something that is printed.
type Secret struct{ text string }

// Reveal returns the text, for the one place that needs it.
func (s Secret) Reveal() string { return s.text }

// Settings are what the program runs with.
type Settings struct {
	Profile     string // development, staging or production
	Addr        string // host:port of Redis
	Password    Secret
	TLS         bool
	ReadTimeout time.Duration
	PoolSize    int
}

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
	return Settings{}, ErrNotImplemented
}
