package seeds

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/kit/cache"
)

// life is how long an answer stays in the cache.
const life = 5 * time.Minute

// region: key

// keyOf names a question: its SQL, and each argument with type and length,
// so that no two questions have one name.
func keyOf(text string, args ...any) string {
	all := sha256.New()
	write := func(kind, part string) {
		fmt.Fprintf(all, "%s %d %s", kind, len(part), part)
	}
	write("sql", text)
	for _, arg := range args {
		// As the driver gets it: int and int64 are one, 7 and "7" are two.
		arg, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			arg = err // the query will say so too
		}
		write(fmt.Sprintf("%T", arg), fmt.Sprint(arg))
	}
	return hex.EncodeToString(all.Sum(nil)[:16])
}

// endregion

// Two names that people give to questions.
func keyOfText(text string, _ ...any) string { return text }

func keyOfJoined(text string, args ...any) string {
	return text + strings.TrimSuffix(fmt.Sprintln(args...), "\n") // joined by spaces
}

// answers is a cache of what queries answered.
type answers struct {
	*cache.Cache[string, rows]
	l     *library
	keyOf func(text string, args ...any) string
}

func newAnswers(rdb redis.UniversalClient, name string, l *library) (*answers, error) {
	kept, err := cache.New(rdb, cache.Options[string, rows]{Name: name, TTL: life})
	return &answers{Cache: kept, l: l, keyOf: keyOf}, err
}

// ask answers from Redis, or else from the database.
func (a *answers) ask(ctx context.Context, tables []string, text string, args ...any) (rows, error) {
	return a.askBy(ctx, a.l.DB, tables, text, args...)
}

// region: ask

// askBy answers from Redis, or else by a query, whose answer bears its
// tables as tags.
func (a *answers) askBy(ctx context.Context, q queryer, tables []string,
	text string, args ...any) (rows, error) {
	load := func(ctx context.Context, e *cache.Entry) (rows, error) {
		e.Tag(tables...)
		return a.l.read(ctx, q, text, args...)
	}
	got, err := a.FetchWith(ctx, a.keyOf(text, args...), load)
	return got.Value, err
}

// endregion
