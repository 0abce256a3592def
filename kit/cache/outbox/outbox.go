package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrDeferred says that the transaction is committed, and that what it invalidates
// could not be invalidated at once. The relay will do it.
var ErrDeferred = errors.New("outbox: committed, and left to the relay")

// Dialect is a kind of SQL.
type Dialect string

// The dialects.
const (
	Postgres Dialect = "postgres"
	SQLite   Dialect = "sqlite"
)

// The defaults of Options.
const (
	DefaultTable   = "cache_outbox"
	DefaultEvery   = time.Second
	DefaultGrace   = 2 * time.Second
	DefaultTimeout = time.Second
	DefaultKeepFor = 24 * time.Hour
	DefaultBatch   = 500
)

// Options of an Outbox. Zero Options work, with PostgreSQL.
type Options struct {
	// Dialect of the database. Empty is Postgres.
	Dialect Dialect

	// Table holds the rows: a name, or schema.name, in small letters, digits and
	// underscores. Empty is DefaultTable.
	Table string

	// Every is how often the relay looks. Zero is DefaultEvery; negative is an
	// error.
	Every time.Duration

	// Grace is how long rows are left to the process that made them. Less only
	// makes the relay do work that is being done. Zero is DefaultGrace; negative is
	// none.
	Grace time.Duration

	// Timeout bounds the invalidation after a commit, and each delivery of the
	// relay. Zero is DefaultTimeout; negative is an error.
	Timeout time.Duration

	// KeepFor is how long rows are kept that cannot be delivered. It must be longer
	// than any value lives in a cache, stale windows included. Zero is
	// DefaultKeepFor; negative is for ever.
	KeepFor time.Duration

	// Batch is how many rows the relay reads at once. Zero is DefaultBatch; at most
	// 10,000; negative is an error.
	Batch int

	// Logger is told what was deferred and dropped. Nil is nobody.
	Logger *slog.Logger
}

// tableName keeps a name that stands in the text of a statement what it is.
var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$`)

func (o Options) withDefaults() (Options, error) {
	fill(&o.Dialect, Postgres)
	fill(&o.Table, DefaultTable)
	fill(&o.Every, DefaultEvery)
	fill(&o.Grace, DefaultGrace)
	fill(&o.Timeout, DefaultTimeout)
	fill(&o.KeepFor, DefaultKeepFor)
	fill(&o.Batch, DefaultBatch)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Grace = max(o.Grace, 0)
	bad := func(field, rule string, value any) (Options, error) {
		return o, fmt.Errorf("outbox: Options.%s must %s, got %v", field, rule, value)
	}
	switch {
	case o.Dialect != Postgres && o.Dialect != SQLite:
		return bad("Dialect", "be Postgres or SQLite", o.Dialect)
	case !tableName.MatchString(o.Table):
		return bad("Table", "be a name, or schema.name, of small letters, digits and underscores", o.Table)
	case o.Every < 0:
		return bad("Every", "be positive", o.Every)
	case o.Timeout < 0:
		return bad("Timeout", "be positive", o.Timeout)
	case o.Batch < 0 || o.Batch > 10_000:
		return bad("Batch", "be in 1..10000", o.Batch)
	}
	return o, nil
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Outbox is the table and what its rows mean. Most callers use InTx, and call Run
// in at least one process. It is safe for concurrent use.
type Outbox struct {
	db *sql.DB
	o  Options

	mu      sync.RWMutex
	targets map[string]target
}

// target is a cache, its keys as text.
type target interface {
	// deliver invalidates, and returns the error of the first that failed. Keys that
	// cannot be read are left out, and in bad.
	deliver(ctx context.Context, keys, tags []string) (bad []string, err error)
}

// New returns an Outbox over a database. Nothing is sent, and no goroutine runs
// before Run. The table must exist: see Schema.
func New(db *sql.DB, o Options) (*Outbox, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Outbox{db: db, o: o, targets: map[string]target{}}, nil
}

// Schema returns the statements that make the table, if it is not there: for a
// migration, or for Exec. They end in semicolons.
func (b *Outbox) Schema() string {
	id, index := "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", strings.ReplaceAll(b.o.Table, ".", "_")
	table := b.o.Table
	if b.o.Dialect == SQLite {
		id = "INTEGER PRIMARY KEY AUTOINCREMENT"
		// There the schema stands before the index and not before its table.
		if schema, name, ok := strings.Cut(table, "."); ok {
			index, table = schema+"."+index, name
		}
	}
	return fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s (
	id %s,
	batch TEXT NOT NULL,      -- those of one transaction
	cache TEXT NOT NULL,      -- the name that it was bound by
	tag BIGINT NOT NULL,      -- 1: item is a tag; 0: item is a key, as JSON
	item TEXT NOT NULL,
	created_ms BIGINT NOT NULL -- by the database's clock
);
CREATE INDEX IF NOT EXISTS %s_batch ON %s (batch);
`, b.o.Table, id, index, table)
}

// now is the database's clock in milliseconds, as an expression: it alone decides
// how old a row is.
func (b *Outbox) now() string {
	if b.o.Dialect == SQLite {
		return "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
	}
	return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
}

// statement puts the placeholders of the dialect where the text has question
// marks.
func (b *Outbox) statement(text string) string {
	if b.o.Dialect == SQLite {
		return text
	}
	var out strings.Builder
	for n, part := range strings.Split(text, "?") {
		if n > 0 {
			out.WriteString("$" + strconv.Itoa(n))
		}
		out.WriteString(part)
	}
	return out.String()
}

func (b *Outbox) target(cache string) (target, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	t, ok := b.targets[cache]
	return t, ok
}

// bound names the caches that are bound, in order.
func (b *Outbox) bound() []string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	names := make([]string, 0, len(b.targets))
	for name := range b.targets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Backlog tells how many rows wait and how old the oldest is, of all caches in the
// table. What is older than Grace was left behind.
//
// Redis: none. SQL: 1 statement, O(rows).
func (b *Outbox) Backlog(ctx context.Context) (rows int, oldest time.Duration, err error) {
	var ms int64
	query := fmt.Sprintf("SELECT count(*), coalesce(max(%s - created_ms), 0) FROM %s", b.now(), b.o.Table)
	if err := b.db.QueryRowContext(ctx, b.statement(query)).Scan(&rows, &ms); err != nil {
		return 0, 0, fmt.Errorf("outbox: backlog: %w", err)
	}
	return rows, time.Duration(max(ms, 0)) * time.Millisecond, nil
}
