package localredis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/connect"
)

// The signs of a server that others depend on, each beyond what a developer's
// own has.
const (
	manyKeys    = 1000
	manyClients = 20
	muchMemory  = 100 << 20 // bytes

	// scanCount and scanTrips bound the look at the keys: at most 100,000 of
	// them, in replies of some tens of kilobytes.
	scanCount = 1000
	scanTrips = 100
)

// openExternal connects to a server of the user's and reads what it says about
// itself. It writes nothing. What the URL leaves open, such as the certificate
// of an authority, comes from the environment as connect.FromEnv says.
func (r *Redis) openExternal(ctx context.Context, url string) error {
	o := connect.FromEnv()
	o.URL = url
	opened, err := connect.Open(ctx, o)
	if err != nil {
		return err
	}
	defer opened.Close()
	client, ok := opened.(*redis.Client)
	if !ok || strings.Contains(strings.SplitN(url, "://", 2)[0], "sentinel") {
		return fmt.Errorf("grind works with one server: give its own URL, redis://host:port: %w", connect.ErrMode)
	}
	status, err := connect.Check(ctx, client)
	if err != nil {
		return err
	}
	r.kind, r.options = External, fresh(client.Options())
	r.flavour, r.version = "Redis", status.Version
	text, err := client.Info(ctx, "everything").Result()
	if err != nil {
		if _, answered := errors.AsType[redis.Error](err); !answered {
			return fmt.Errorf("ask %s for INFO: %w", r.Addr(), err)
		}
		r.suspect = fmt.Sprintf("it does not let us see what it is used for (%v)", err)
		return nil
	}
	info := parseInfo(text)
	if v := info["valkey_version"]; v != "" {
		r.flavour, r.version = "Valkey", v
	}
	if r.suspect = signs(info); r.suspect != "" {
		return nil
	}
	r.suspect, err = foreignKeys(ctx, client, r.options.DB, info)
	return err
}

// fresh takes out of a client's options what leads to its server. The rest was
// completed by that client, and is not fit for a second one: its Dialer would
// keep to the first one's TLS, whatever a caller changes.
func fresh(o *redis.Options) *redis.Options {
	return &redis.Options{
		Network:                    o.Network,
		Addr:                       o.Addr,
		DB:                         o.DB,
		Username:                   o.Username,
		Password:                   o.Password,
		CredentialsProviderContext: o.CredentialsProviderContext,
		TLSConfig:                  o.TLSConfig,
		ClientName:                 o.ClientName,
		DialTimeout:                o.DialTimeout,
		ReadTimeout:                o.ReadTimeout,
		WriteTimeout:               o.WriteTimeout,
		PoolTimeout:                o.PoolTimeout,
		PoolSize:                   o.PoolSize,
		DialerRetries:              o.DialerRetries,
		ContextTimeoutEnabled:      o.ContextTimeoutEnabled,
	}
}

// parseInfo reads the reply of INFO.
func parseInfo(text string) map[string]string {
	info := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}

// signs says what in a server's own account speaks for production.
func signs(info map[string]string) string {
	number := func(name string) int {
		n, _ := strconv.Atoi(info[name]) // absent is 0: no sign
		return n
	}
	switch {
	case info["role"] == "slave":
		return "it is a replica of " + info["master_host"]
	case number("connected_slaves") > 0:
		return fmt.Sprintf("it has %d replicas", number("connected_slaves"))
	case number("cluster_enabled") > 0:
		return "it is a node of a cluster"
	case number("connected_clients") > manyClients:
		return fmt.Sprintf("%d clients are connected to it", number("connected_clients"))
	case number("used_memory") > muchMemory:
		return fmt.Sprintf("it uses %d MB of memory", number("used_memory")>>20)
	}
	return ""
}

// foreignKeys says so when there are many keys that are not ours. Those of
// other databases are none of ours; those of this one are looked at only when
// there are many at all, and only until enough foreign ones were seen.
//
// Redis: 0 round trips up to 1000 keys, else 1 SCAN per 1000 keys, at most 100.
func foreignKeys(ctx context.Context, c *redis.Client, db int, info map[string]string) (string, error) {
	total, here := 0, 0
	for name, value := range info {
		number, ok := strings.CutPrefix(name, "db")
		n, err := strconv.Atoi(number)
		if !ok || err != nil {
			continue
		}
		keys, _, _ := strings.Cut(strings.TrimPrefix(value, "keys="), ",")
		count, _ := strconv.Atoi(keys)
		total += count
		if n == db {
			here = count
		}
	}
	if total <= manyKeys {
		return "", nil
	}
	foreign, cursor := total-here, uint64(0)
	for trip := 0; foreign <= manyKeys && trip < scanTrips && (trip == 0 || cursor != 0); trip++ {
		keys, next, err := c.Scan(ctx, cursor, "", scanCount).Result()
		if err != nil {
			return "", fmt.Errorf("look at the keys: %w", err)
		}
		for _, key := range keys {
			if !strings.HasPrefix(key, Prefix) {
				foreign++
			}
		}
		cursor = next
	}
	if foreign > manyKeys {
		return fmt.Sprintf("it holds %d keys, more than %d of them not ours", total, manyKeys), nil
	}
	return "", nil
}
