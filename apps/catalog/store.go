package catalog

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver pgx
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // registers the driver sqlite
)

//go:embed migrations/*.sql
var migrations embed.FS

// SQL is the Store in a database.
type SQL struct {
	db      *sql.DB
	dialect goose.Dialect
}

// sqlConns is how many questions an instance asks its database at a time. The
// others wait, so that the database is not buried when the caches are gone.
const sqlConns = 32

// OpenSQL opens a database: postgres://… for PostgreSQL, sqlite:PATH or nothing
// for SQLite, which is the file catalog.db in dir. It sends nothing yet; see
// Migrate.
func OpenSQL(database, dir string) (*SQL, error) {
	driver, source, dialect := "pgx", database, goose.DialectPostgres
	scheme, path, _ := strings.Cut(database, ":")
	switch {
	case database == "":
		path = filepath.Join(dir, "catalog.db")
		fallthrough
	case scheme == "sqlite":
		// With a write-ahead log readers do not wait for the writer, nor the writer
		// for them; writers take turns from the beginning of their transactions.
		options := url.Values{
			"_pragma": {"busy_timeout(5000)", "journal_mode(wal)", "synchronous(normal)"},
			"_txlock": {"immediate"},
		}
		driver, dialect = "sqlite", goose.DialectSQLite3
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
	return &SQL{db, dialect}, nil
}

// Migrate brings the schema up to date, and the products into it when it is new.
// Several instances may call it at the same time.
func (s *SQL) Migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{
		goose.WithGoMigrations(goose.NewGoMigration(2, &goose.GoFunc{RunTx: seed}, nil)),
	}
	if s.dialect == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker()
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

func (s *SQL) Product(ctx context.Context, id int) (Product, error) {
	return one(s.db.QueryRowContext(ctx, "SELECT "+columns+" FROM products WHERE id = $1", id))
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
	rows, err := s.db.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM products WHERE %s ORDER BY id LIMIT $%d", columns, strings.Join(where, " AND "), len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("catalog: list: %w", err)
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
		return nil, fmt.Errorf("catalog: list: %w", err)
	}
	return found, nil
}

// like takes from a text what LIKE would understand.
var like = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func (s *SQL) SetPrice(ctx context.Context, id, cents int) (Product, error) {
	return s.set(ctx, "price_cents", id, cents)
}

func (s *SQL) SetStock(ctx context.Context, id, stock int) (Product, error) {
	return s.set(ctx, "stock", id, stock)
}

func (s *SQL) set(ctx context.Context, column string, id, value int) (Product, error) {
	return one(s.db.QueryRowContext(ctx, "UPDATE products SET "+column+" = $1, version = version + 1 WHERE id = $2 RETURNING "+columns, value, id))
}

func (s *SQL) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

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
