package connect

import (
	"fmt"
	"os"
)

// FromEnv returns the options that the environment holds:
//
//	REDIS_URL                          as Options.URL
//	REDIS_USERNAME, REDIS_PASSWORD     the ACL user; they win over the URL's
//	REDIS_PASSWORD_FILE                a file with the password, read again for each connection
//	REDIS_SENTINEL_USERNAME, REDIS_SENTINEL_PASSWORD, REDIS_SENTINEL_PASSWORD_FILE
//	REDIS_CA_FILE                      PEM certificates to trust
//	REDIS_CERT_FILE, REDIS_KEY_FILE    this client's certificate
//	REDIS_CLIENT_NAME                  as Options.Name
//
// Without any of them it returns zero Options: redis://127.0.0.1:6379. Bad
// values are reported by Open, so that both fit on one line:
//
//	client, err := connect.Open(ctx, connect.FromEnv())
func FromEnv() Options { return fromEnv(os.Getenv) }

func fromEnv(get func(string) string) Options {
	o := Options{
		URL:              get("REDIS_URL"),
		Username:         get("REDIS_USERNAME"),
		Password:         get("REDIS_PASSWORD"),
		PasswordFile:     get("REDIS_PASSWORD_FILE"),
		SentinelUsername: get("REDIS_SENTINEL_USERNAME"),
		SentinelPassword: get("REDIS_SENTINEL_PASSWORD"),
		CAFile:           get("REDIS_CA_FILE"),
		CertFile:         get("REDIS_CERT_FILE"),
		KeyFile:          get("REDIS_KEY_FILE"),
		Name:             get("REDIS_CLIENT_NAME"),
	}
	if o.Password != "" && o.PasswordFile != "" {
		o.err = fmt.Errorf("%w: REDIS_PASSWORD and REDIS_PASSWORD_FILE exclude each other", ErrOptions)
	}
	if file := get("REDIS_SENTINEL_PASSWORD_FILE"); file != "" {
		if o.SentinelPassword != "" {
			o.err = fmt.Errorf("%w: REDIS_SENTINEL_PASSWORD and REDIS_SENTINEL_PASSWORD_FILE exclude each other", ErrOptions)
		} else if o.SentinelPassword, o.err = readPassword(file); o.err != nil {
			o.err = fmt.Errorf("%w: REDIS_SENTINEL_PASSWORD_FILE: %w", ErrOptions, o.err)
		}
	}
	return o
}
