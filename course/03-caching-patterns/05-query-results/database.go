package seeds

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"

	_ "github.com/jackc/pgx/v5/stdlib" // PostgreSQL
	_ "modernc.org/sqlite"             // SQLite: a file, in Go alone

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache/outbox"
)

// rows are what a query answers, as text.
type rows [][]string

// queryer is what asks a database: *sql.DB, or *sql.Tx within a transaction.
type queryer interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// library is the seed library in one database.
type library struct {
	*sql.DB
	name, label string
	dialect     outbox.Dialect
	asked       atomic.Int64 // queries, since somebody looked
}

// open opens the library in SQLite and, where there is one, in PostgreSQL.
func open(ctx context.Context, r *unit.Run, dir string) (all []*library, err error) {
	// Readers and a writer at the same time, as with a server: the log makes it so.
	file := "file:" + filepath.Join(dir, "seeds.db") + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_txlock=immediate"
	lite, err := newLibrary(ctx, "sqlite", "SQLite", outbox.SQLite, "sqlite", file)
	if err != nil {
		return nil, err
	}
	all = []*library{lite}
	if how := r.How(unit.NeedPostgres); how != "" {
		r.Step("There is no PostgreSQL here, so that half is left out. %s", how)
		return all, nil
	}
	r.Step("A private PostgreSQL starts, beside SQLite.")
	address, err := r.Postgres(ctx)
	if err != nil {
		closeAll(all)
		return nil, err
	}
	server, err := newLibrary(ctx, "postgres", "PostgreSQL", outbox.Postgres, "pgx", address)
	if err != nil {
		closeAll(all)
		return nil, err
	}
	return append(all, server), nil
}

func newLibrary(ctx context.Context, name, label string, dialect outbox.Dialect, driver, address string) (*library, error) {
	db, err := sql.Open(driver, address)
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(4)
	box, err := outbox.New(db, outbox.Options{Dialect: dialect})
	if err == nil {
		_, err = db.ExecContext(ctx, schema+box.Schema())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", label, err), db.Close())
	}
	return &library{DB: db, name: name, label: label, dialect: dialect}, nil
}

func closeAll(all []*library) {
	for _, l := range all {
		_ = l.Close() // file and server go with the run
	}
}

const schema = `
CREATE TABLE varieties (
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	giver TEXT NOT NULL,   -- who brought the first packet
	sow  INTEGER NOT NULL  -- the month
);
CREATE TABLE packets (
	id      INTEGER PRIMARY KEY,
	variety INTEGER NOT NULL REFERENCES varieties (id),
	seeds   INTEGER NOT NULL -- how many are left
);
`

// months of a year; each has as many varieties to sow.
const months = 12

// fill lays in packets, of this many varieties for each month.
func (l *library) fill(ctx context.Context, perMonth, packets int) error {
	const numbers = ` WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT `
	for _, part := range []struct {
		text string
		n    int
	}{
		{`INSERT INTO varieties (id, name, giver, sow)` + numbers + `i, 'variety ' || i, 'the association', i % 12 + 1 FROM n`, perMonth * months},
		{`INSERT INTO packets (id, variety, seeds)` + numbers + fmt.Sprintf(`i, i * 7 %% %d + 1, 5 + i %% 20 FROM n`, perMonth*months), packets},
	} {
		if _, err := l.ExecContext(ctx, part.text, part.n); err != nil {
			return fmt.Errorf("%s: fill: %w", l.label, err)
		}
	}
	_, err := l.ExecContext(ctx, `ANALYZE`) // what the planner knows of the tables
	return err
}

// region: index

// index is what the second step adds.
const index = `CREATE INDEX packets_variety ON packets (variety)`

// endregion

// ask asks the database, and counts.
func (l *library) ask(ctx context.Context, _ []string, text string, args ...any) (rows, error) {
	return l.read(ctx, l.DB, text, args...)
}

// read asks the database, or a transaction of it, and counts.
func (l *library) read(ctx context.Context, q queryer, text string, args ...any) (rows, error) {
	l.asked.Add(1)
	found, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	all := rows{}
	for found.Next() {
		row, into := make([]string, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, found.Err() // rows that broke off are no answer
}
