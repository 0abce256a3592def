package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Settings that are the same for everyone, because another value has no use.
const (
	// dialerRetries is for one attempt at a connection. go-redis repeats the
	// command that needed it, so five dials each, its default, only make a dead
	// server take longer to notice.
	dialerRetries = 1
	// clusterReload is how old the picture of a cluster may get. With go-redis's
	// default of a minute a client that met no redirect came back 59 s after a
	// master died. A second alone left up to 1.3 s between the failover and the
	// client, too much for the promise of five: see reloadHook.
	clusterReload = time.Second
)

// Open returns a client for what the options say: a *redis.Client for Single
// and Sentinel, a *redis.ClusterClient for Cluster. Close it when done.
//
// It is lazy: it reads files and sends nothing, so that a program starts while
// its Redis is down; the first command connects. With Options.Eager it calls
// Check before it returns. Bad options are ErrOptions.
//
// Contexts count: a command ends with the deadline of its context, also while
// it waits for the reply.
//
// Redis: none; with Eager as Check.
func Open(ctx context.Context, o Options) (redis.UniversalClient, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	if o.TLS, err = o.tlsConfig(); err != nil {
		return nil, err
	}
	if o.PasswordFile != "" {
		// Now, because later nobody is there to read the error.
		if _, err := readPassword(o.PasswordFile); err != nil {
			return nil, fmt.Errorf("%w: Options.PasswordFile: %w", ErrOptions, err)
		}
	}
	client := o.client()
	if !o.Eager {
		return client, nil
	}
	if _, err := Check(ctx, client); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return client, nil
}

// client makes the client of options that are resolved.
func (o *Options) client() redis.UniversalClient {
	u := &redis.UniversalOptions{
		Addrs:                 o.Addrs,
		MasterName:            o.Master,
		DB:                    o.DB,
		Username:              o.Username,
		Password:              o.Password,
		SentinelUsername:      o.SentinelUsername,
		SentinelPassword:      o.SentinelPassword,
		TLSConfig:             o.TLS,
		ClientName:            o.Name,
		DialTimeout:           o.DialTimeout,
		ReadTimeout:           o.ReadTimeout,
		WriteTimeout:          o.WriteTimeout,
		PoolTimeout:           o.PoolTimeout,
		PoolSize:              o.PoolSize,
		DialerRetries:         dialerRetries,
		ContextTimeoutEnabled: true,
	}
	if o.PasswordFile != "" {
		user, file := o.Username, o.PasswordFile
		u.CredentialsProviderContext = func(context.Context) (string, string, error) {
			password, err := readPassword(file)
			return user, password, err
		}
	}
	if o.Name == NoName {
		u.ClientName = ""
	}
	switch o.Mode {
	case Cluster:
		c := u.Cluster()
		c.ClusterStateReloadInterval = clusterReload
		client := redis.NewClusterClient(c)
		client.AddHook(reloadHook{client})
		return client
	case Sentinel:
		return redis.NewFailoverClient(u.Failover())
	default:
		s := u.Simple()
		if isSocket(s.Addr) {
			s.Network = "unix"
		}
		return redis.NewClient(s)
	}
}

// tlsConfig returns the configuration to use, nil without TLS.
func (o *Options) tlsConfig() (*tls.Config, error) {
	if o.TLS == nil {
		return nil, nil
	}
	c := o.TLS.Clone()
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("%w: Options.CAFile: %w", ErrOptions, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: Options.CAFile: %s holds no PEM certificate", ErrOptions, o.CAFile)
		}
	}
	if o.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("%w: Options.CertFile and Options.KeyFile: %w", ErrOptions, err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}

// readPassword reads the password from a file. Its errors hold the name of the
// file, never its content.
func readPassword(file string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if password == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return password, nil
}
