//go:build exercise

package exercise_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/redis-grind/grind/course/02-web-integration-basics/05-configuration/exercise"
	"github.com/redis-grind/grind/internal/unit/check"
)

// password is a new one for each task, so that no code can know it.
func password(c *check.C) string { return fmt.Sprintf("hush%d", c.Rand().Int64()) }

// refused parses what is wrong and looks that each of these variables is named.
func refused(c *check.C, env map[string]string, why string, names ...string) {
	got, err := exercise.Parse(env)
	c.Written(err)
	if err == nil {
		c.Fail("%s: %s, and Parse took it: %+v.", show(env, names), why, got)
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			c.Fail("%s: %s, and the error does not name %s: %v.", show(env, names), why, name, err)
		}
	}
	if got != (exercise.Settings{}) {
		c.Fail("%s: Parse returned an error and Settings beside it: %+v.", show(env, names), got)
	}
}

// show writes the variables that matter.
func show(env map[string]string, names []string) string {
	var parts []string
	for _, name := range names {
		if value, ok := env[name]; ok {
			parts = append(parts, name+"="+value)
		} else {
			parts = append(parts, "no "+name)
		}
	}
	return strings.Join(parts, " ")
}

func TestReads(t *testing.T) {
	check.Task(t, "reads", func(c *check.C) {
		got, err := exercise.Parse(map[string]string{"HOME": "/root", "PATH": "/bin"})
		c.NoError(err, "Parse of an environment without any of our variables")
		want := exercise.Settings{Profile: "development", Addr: "127.0.0.1:6379", ReadTimeout: 500 * time.Millisecond, PoolSize: 10}
		if got != want {
			c.Fail("Nothing is set: got %+v, want the defaults %+v.", got, want)
		}
		for range 20 {
			secret, wait, size := password(c), time.Duration(1+c.Rand().IntN(9999))*time.Millisecond, 1+c.Rand().IntN(1000)
			addr := fmt.Sprintf("cache%d.internal:%d", c.Rand().IntN(100), 1+c.Rand().IntN(65535))
			profile := []string{"development", "staging", "production"}[c.Rand().IntN(3)]
			got, err := exercise.Parse(map[string]string{
				"APP_PROFILE": profile, "REDIS_URL": "rediss://app:" + secret + "@" + addr,
				"REDIS_READ_TIMEOUT": wait.String(), "REDIS_POOL_SIZE": fmt.Sprint(size),
			})
			c.NoError(err, "Parse of settings without a mistake")
			if got.Password.Reveal() != secret {
				c.Fail("The password is %q, and Reveal returns %q.", secret, got.Password.Reveal())
			}
			if got.Profile != profile || got.Addr != addr || !got.TLS || got.ReadTimeout != wait || got.PoolSize != size {
				c.Fail("APP_PROFILE=%s REDIS_URL=rediss://…@%s REDIS_READ_TIMEOUT=%v REDIS_POOL_SIZE=%d: got %s %s TLS=%v %v %d.",
					profile, addr, wait, size, got.Profile, got.Addr, got.TLS, got.ReadTimeout, got.PoolSize)
			}
		}
	})
}

func TestStrict(t *testing.T) {
	check.Task(t, "strict", func(c *check.C) {
		for _, text := range []string{"5", "500", "5sec", "five seconds", "", "0s", "-1s", "999µs", "11s"} {
			refused(c, map[string]string{"REDIS_READ_TIMEOUT": text}, "that is no time of 1ms to 10s with its unit", "REDIS_READ_TIMEOUT")
		}
		for _, text := range []string{"0", "-1", "1001", "2O", "ten", "1.5", ""} {
			refused(c, map[string]string{"REDIS_POOL_SIZE": text}, "that is no number of 1 to 1000", "REDIS_POOL_SIZE")
		}
		for _, text := range []string{"prod", "Production", ""} {
			refused(c, map[string]string{"APP_PROFILE": text}, "that is no profile", "APP_PROFILE")
		}
		for _, text := range []string{"", "127.0.0.1:6379", "http://127.0.0.1:6379", "redis://", "redis://cache.internal:x6379", "redis://cache.internal:70000"} {
			refused(c, map[string]string{"REDIS_URL": text}, "that is no URL of a Redis", "REDIS_URL")
		}
	})
}

func TestNames(t *testing.T) {
	check.Task(t, "names", func(c *check.C) {
		for _, name := range []string{"REDIS_TIMEOUT", "REDIS_POOLSIZE", "APP_PROFIL", fmt.Sprintf("REDIS_%d", c.Rand().IntN(1000))} {
			refused(c, map[string]string{name: "1"}, "there is no such setting, so somebody thinks that they set one", name)
		}
	})
}

func TestAll(t *testing.T) {
	check.Task(t, "all", func(c *check.C) {
		refused(c, map[string]string{
			"APP_PROFILE": "prod", "REDIS_URL": "cache", "REDIS_READ_TIMEOUT": "5", "REDIS_POOL_SIZE": "many", "REDIS_RETRIES": "3",
		}, "five mistakes", "APP_PROFILE", "REDIS_URL", "REDIS_READ_TIMEOUT", "REDIS_POOL_SIZE", "REDIS_RETRIES")
	})
}

func TestProduction(t *testing.T) {
	check.Task(t, "production", func(c *check.C) {
		secret := password(c)
		for _, env := range []map[string]string{
			{"APP_PROFILE": "production", "REDIS_URL": "redis://:" + secret + "@cache:6379"},
			{"APP_PROFILE": "production", "REDIS_URL": "rediss://cache:6379"},
			{"APP_PROFILE": "production", "REDIS_URL": "rediss://app@cache:6379"},
			{"APP_PROFILE": "staging", "REDIS_URL": "redis://cache:6379"},
			{"APP_PROFILE": "production"},
			{"APP_PROFILE": "staging"},
		} {
			masked := maps.Clone(env)
			got, err := exercise.Parse(env)
			c.Written(err)
			for name := range masked {
				masked[name] = strings.ReplaceAll(masked[name], secret, "…")
			}
			if err == nil {
				c.Fail("%s: Parse took it, with TLS=%v and a password of %d characters.", show(masked, []string{"APP_PROFILE", "REDIS_URL"}), got.TLS, len(got.Password.Reveal()))
			}
			if !strings.Contains(err.Error(), "REDIS_URL") {
				c.Fail("%s: the error does not name REDIS_URL: %v.", show(masked, []string{"APP_PROFILE", "REDIS_URL"}), err)
			}
		}
		_, err := exercise.Parse(map[string]string{"APP_PROFILE": "staging", "REDIS_URL": "redis://:" + secret + "@cache:6379"})
		c.NoError(err, "staging demands a password and no TLS; Parse")
	})
}

func TestSecret(t *testing.T) {
	check.Task(t, "secret", func(c *check.C) {
		secret := password(c)
		leak := func(where, text string) {
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				c.Fail("%s shows the password.", where)
			}
		}
		for _, address := range []string{
			"redis://:" + secret + "@cache:x6379", "redis://:" + secret + "@cache:6379/%zz", "redis://app:" + secret + "@ca che:6379",
			"http://:" + secret + "@cache:6379", "redis://:" + secret + "@cache:70000", secret,
		} {
			_, err := exercise.Parse(map[string]string{"REDIS_URL": address})
			c.Written(err)
			if err != nil {
				leak(fmt.Sprintf("The error about the URL %s", strings.ReplaceAll(address, secret, "…")), err.Error())
			}
		}
		got, err := exercise.Parse(map[string]string{"REDIS_URL": "redis://:" + secret + "@cache:6379"})
		c.NoError(err, "Parse")
		for _, v := range []any{got, &got, got.Password, &got.Password, []any{got.Password}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				leak(fmt.Sprintf("fmt.Sprintf(%q, a %T)", verb, v), fmt.Sprintf(verb, v))
			}
			text, err := json.Marshal(v)
			c.NoError(err, "json.Marshal of the Settings")
			leak(fmt.Sprintf("json.Marshal(a %T)", v), string(text))
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "with", v)
			slog.New(slog.NewTextHandler(&log, nil)).Info("start", "with", v)
			leak(fmt.Sprintf("slog.Info(…, a %T)", v), log.String())
		}
	})
}
