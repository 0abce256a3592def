package catalog

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver pgx
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // registers the driver sqlite

	"github.com/redis-grind/grind/kit/cache/outbox"
)

//go:embed migrations/*.sql
var migrations embed.FS

// SQL is the Store in a database. With each change it notes in the same transaction
// that the caches are to be told, so that a process that dies after the commit, or
// does not reach Redis, leaves that to another.
type SQL struct {
	db       *sql.DB
	dialect  goose.Dialect
	box      *outbox.Outbox
	changed  *outbox.Cache[int]
	products int
}

// SQLOptions say where the products are.
type SQLOptions struct {
	// Database is postgres://… for PostgreSQL, or sqlite:PATH for a file. Empty is
	// the file catalog.db in Dir.
	Database, Dir string
	// Products is how many a new database gets.
	Products int
	Logger   *slog.Logger
}

// TellTo names whom to tell of products that have changed. Call it once, before
// the first change.
func (s *SQL) TellTo(tell func(ctx context.Context, ids ...int) error) (err error) {
	s.changed, err = outbox.Bind(s.box, "products", listener(tell))
	return err
}

// listener is the one cache that the outbox knows: whoever it tells of a product
// knows by himself which lists that concerns.
type listener func(ctx context.Context, ids ...int) error

func (l listener) Invalidate(ctx context.Context, ids ...int) error { return l(ctx, ids...) }
func (listener) InvalidateTag(context.Context, ...string) error     { return nil } // nobody notes one

// Relay tells what other processes left behind, until ctx ends.
func (s *SQL) Relay(ctx context.Context) error { return s.box.Run(ctx) }

// sqlConns is how many questions an instance asks its database at a time. The
// others wait, so that the database is not buried when the caches are gone.
const sqlConns = 32

// OpenSQL opens a database. It sends nothing yet; see Migrate.
func OpenSQL(o SQLOptions) (*SQL, error) {
	driver, source, dialect, boxed := "pgx", o.Database, goose.DialectPostgres, outbox.Postgres
	scheme, path, _ := strings.Cut(o.Database, ":")
	switch {
	case o.Database == "":
		path = filepath.Join(o.Dir, "catalog.db")
		fallthrough
	case scheme == "sqlite":
		// With a write-ahead log readers do not wait for the writer, nor the writer
		// for them; writers take turns from the beginning of their transactions.
		options := url.Values{
			"_pragma": {"busy_timeout(5000)", "journal_mode(wal)", "synchronous(normal)"},
			"_txlock": {"immediate"},
		}
		driver, dialect, boxed = "sqlite", goose.DialectSQLite3, outbox.SQLite
		source = (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: options.Encode()}).String()
	case scheme != "postgres" && scheme != "postgresql":
		return nil, errors.New("catalog: DATABASE_URL must begin with postgres:// or sqlite:, or be empty for SQLite")
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, fmt.Errorf("catalog: open the database: %w", err)
	}
	db.SetMaxOpenConns(sqlConns)
	db.SetMaxIdleConns(sqlConns)
	db.SetConnMaxIdleTime(time.Minute)
	box, err := outbox.New(db, outbox.Options{Dialect: boxed, Timeout: tellTimeout, KeepFor: time.Hour, Logger: o.Logger})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &SQL{db: db, dialect: dialect, box: box, products: o.Products}, nil
}

// Migrate brings the schema up to date, and the products into it when it is new.
// Several instances may call it at the same time: on PostgreSQL they take turns, on
// SQLite all but one may get an error, and find all done when they repeat it.
func (s *SQL) Migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{
		goose.WithGoMigrations(
			goose.NewGoMigration(2, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error { return fill(ctx, tx, s.dialect, s.products) }}, nil),
			goose.NewGoMigration(3, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, s.box.Schema())
				return err
			}}, nil),
		),
	}
	if s.dialect == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // tries, a second apart
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(s.dialect, s.db, files, options...)
	if err != nil {
		return fmt.Errorf("catalog: migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("catalog: migrate: %w", err)
	}
	return nil
}

const columns = "id, name, category, price_cents, stock, version"

// Product reads one, by the primary key.
func (s *SQL) Product(ctx context.Context, id int) (Product, error) {
	return one(s.db.QueryRowContext(ctx, "SELECT "+columns+" FROM products WHERE id = $1", id))
}

// Products reads several.
func (s *SQL) Products(ctx context.Context, ids []int) (map[int]Product, error) {
	args := make([]any, len(ids))
	places := make([]string, len(ids))
	for i, id := range ids {
		args[i], places[i] = id, fmt.Sprintf("$%d", i+1)
	}
	found, err := s.query(ctx, "id IN ("+strings.Join(places, ", ")+")", args...)
	all := make(map[int]Product, len(found))
	for _, p := range found {
		all[p.ID] = p
	}
	return all, err
}

// List looks for a text in every name that the other conditions leave: there is
// no index for that, and the query cache is what makes it bearable.
func (s *SQL) List(ctx context.Context, q Query) ([]Product, error) {
	where, args := []string{"id > $1"}, []any{q.After}
	if q.Category != "" {
		args = append(args, q.Category)
		where = append(where, fmt.Sprintf("category = $%d", len(args)))
	}
	if q.Text != "" {
		args = append(args, "%"+like.Replace(strings.ToLower(q.Text))+"%")
		where = append(where, fmt.Sprintf(`lower(name) LIKE $%d ESCAPE '\'`, len(args)))
	}
	args = append(args, q.Limit)
	return s.query(ctx, fmt.Sprintf("%s ORDER BY id LIMIT $%d", strings.Join(where, " AND "), len(args)), args...)
}

// query reads the products of a condition.
func (s *SQL) query(ctx context.Context, where string, args ...any) ([]Product, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+columns+" FROM products WHERE "+where, args...) //nolint:gosec // where is ours; what clients say is in args
	if err != nil {
		return nil, fmt.Errorf("catalog: read products: %w", err)
	}
	defer rows.Close()
	found := []Product{}
	for rows.Next() {
		p, err := one(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("catalog: read products: %w", err)
	}
	return found, nil
}

// like takes from a text what LIKE would understand.
var like = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// SetPrice changes a price; see set.
func (s *SQL) SetPrice(ctx context.Context, id, cents int) (Product, error) {
	return s.set(ctx, "price_cents", id, cents)
}

// SetStock changes a stock; see set.
func (s *SQL) SetStock(ctx context.Context, id, stock int) (Product, error) {
	return s.set(ctx, "stock", id, stock)
}

// set changes a product, notes in the same transaction that the caches are to be
// told, and tells them.
func (s *SQL) set(ctx context.Context, column string, id, value int) (p Product, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return p, fmt.Errorf("catalog: change a product: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	p, err = one(tx.QueryRowContext(ctx, "UPDATE products SET "+column+" = $1, version = version + 1 WHERE id = $2 RETURNING "+columns, value, id))
	if err != nil {
		return p, err
	}
	batch := s.box.On(tx)
	if err := s.changed.Invalidate(ctx, batch, id); err != nil {
		return p, err
	}
	if err := tx.Commit(); err != nil {
		return p, fmt.Errorf("catalog: change a product: %w", err)
	}
	_ = batch.AfterCommit(ctx) // what it could not tell, the relay will
	return p, nil
}

// Ping asks the database for nothing but an answer.
func (s *SQL) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// Close closes the connections.
func (s *SQL) Close() error { return s.db.Close() }

// one reads a product from a row.
func one(row interface{ Scan(to ...any) error }) (p Product, err error) {
	err = row.Scan(&p.ID, &p.Name, &p.Category, &p.PriceCents, &p.Stock, &p.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrNoProduct
	}
	if err != nil {
		return p, fmt.Errorf("catalog: read a product: %w", err)
	}
	return p, nil
}
