package settings

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// known are the variables that the program reads.
var known = []string{"PROFILE", "REDIS_URL", "REDIS_DB", "READ_TIMEOUT", "POOL_SIZE"}

// region: strict

// strict says everything that is wrong, before anything is started.
func strict(env environment) error {
	var wrong []error
	refuse := func(name, rule string) { wrong = append(wrong, fmt.Errorf("%s %s", name, rule)) }
	for name := range env {
		if !slices.Contains(known, name) {
			refuse(name, "is no setting of this program")
		}
	}
	profile := env["PROFILE"]
	if !slices.Contains([]string{"development", "staging", "production"}, profile) {
		refuse("PROFILE", "must be development, staging or production")
	}
	u, err := url.Parse(env["REDIS_URL"])
	switch {
	case err != nil:
		refuse("REDIS_URL", "is no URL") // not err: it would show the password
	case profile == "production" && u.Scheme != "rediss":
		refuse("REDIS_URL", "must begin with rediss:// in production")
	case profile != "development" && u.User == nil:
		refuse("REDIS_URL", "must hold a password outside of development")
	}
	// endregion
	if db, err := optional(env["REDIS_DB"], strconv.Atoi); err != nil || db < 0 || db > 15 {
		refuse("REDIS_DB", "must be 0 to 15")
	}
	if d, err := optional(env["READ_TIMEOUT"], time.ParseDuration); err != nil || d < 0 || d > 0 && d < time.Millisecond {
		refuse("READ_TIMEOUT", "must be a time with its unit, such as 500ms, and at least 1ms")
	}
	if n, err := optional(env["POOL_SIZE"], strconv.Atoi); err != nil || n < 0 {
		refuse("POOL_SIZE", "must be a whole number")
	}
	return errors.Join(wrong...)
}

// optional reads a value that may be missing.
func optional[T any](text string, read func(string) (T, error)) (value T, err error) {
	if text == "" {
		return value, nil
	}
	return read(text)
}
