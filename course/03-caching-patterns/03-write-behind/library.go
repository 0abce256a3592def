package pages

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"modernc.org/sqlite" // the database: a file, in Go alone

	"github.com/redis-grind/grind/kit/cache/writebehind"
)

// turn is a page that a reader has turned to.
type turn = writebehind.Write[string, int]

// library is the database: on which page each reader is.
type library struct {
	db      *sql.DB
	insert  string
	rows    atomic.Int64 // that were committed, those that changed nothing included
	commits atomic.Int64
	refused atomic.Int64 // rows that changed nothing, for a newer one was there
}

const (
	guarded = `
	INSERT INTO pages (reader, page, version) VALUES (?, ?, ?)
	ON CONFLICT (reader) DO UPDATE SET page = excluded.page, version = excluded.version
	WHERE pages.version < excluded.version`

	blind = `
	INSERT INTO pages (reader, page, version) VALUES (?, ?, ?)
	ON CONFLICT (reader) DO UPDATE SET page = excluded.page, version = excluded.version`
)

func openLibrary(ctx context.Context, dir, name, insert string) (*library, error) {
	// FULL waits for the disk at each commit, as a database does that keeps its word.
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, name)+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite has one writer at a time
	_, err = db.ExecContext(ctx, `CREATE TABLE pages (reader TEXT PRIMARY KEY, page INTEGER CHECK (page > 0), version INTEGER) WITHOUT ROWID`)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: %w", err), db.Close())
	}
	return &library{db: db, insert: insert}, nil
}

// region: save

// save writes a batch in one transaction: all of it, or nothing.
func (l *library) save(ctx context.Context, turns []turn) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	refused := 0
	for _, t := range turns {
		done, err := tx.ExecContext(ctx, l.insert, t.Key, t.Value, t.Version)
		if err != nil {
			return judge(err)
		}
		if n, err := done.RowsAffected(); err == nil && n == 0 {
			refused++
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	l.count(len(turns), refused)
	return nil
}

// judge tells a write that can never succeed from a database in trouble.
func judge(err error) error {
	const constraint = 19 // SQLITE_CONSTRAINT, in the lower byte
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code()&0xff == constraint {
		return fmt.Errorf("%w: %w", writebehind.ErrReject, err)
	}
	return err
}

// endregion

func (l *library) count(rows, refused int) {
	l.commits.Add(1)
	l.rows.Add(int64(rows))
	l.refused.Add(int64(refused))
}

// page is where a reader is.
func (l *library) page(ctx context.Context, reader string) (page int, err error) {
	err = l.db.QueryRowContext(ctx, `SELECT page FROM pages WHERE reader = ?`, reader).Scan(&page)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // has not begun
	}
	return page, err
}

// behind counts the readers who are on an earlier page than they were promised.
func (l *library) behind(ctx context.Context, promised map[string]int) (n int, err error) {
	for reader, want := range promised {
		got, err := l.page(ctx, reader)
		if err != nil {
			return 0, err
		}
		if got < want {
			n++
		}
	}
	return n, nil
}

// readers returns the pages of n readers, all on the same one, by their names.
func readers(n, page int) map[string]int {
	all := map[string]int{}
	for i := range n {
		all[fmt.Sprintf("reader-%d", i)] = page
	}
	return all
}
