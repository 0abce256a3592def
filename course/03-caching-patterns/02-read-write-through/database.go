package lifts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"

	_ "modernc.org/sqlite" // the database: a file, in Go alone
)

// The states of a lift.
const (
	opened = "open"
	closed = "closed"
)

// database is a SQLite file, and a second connection to it, of somebody else.
type database struct {
	db, other *sql.DB
	loads     atomic.Int64
}

func openDatabase(ctx context.Context, dir string) (*database, error) {
	// Without busy_timeout a write that meets a lock fails at once.
	dsn := "file:" + filepath.Join(dir, "lifts.db") + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	d := &database{}
	for _, db := range []**sql.DB{&d.db, &d.other} {
		var err error
		if *db, err = sql.Open("sqlite", dsn); err != nil {
			return nil, err
		}
		(*db).SetMaxOpenConns(1)
	}
	_, err := d.db.ExecContext(ctx, `CREATE TABLE lifts (id TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID`)
	if err != nil {
		d.close()
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return d, nil
}

func (d *database) close() {
	for _, db := range []*sql.DB{d.db, d.other} {
		if db != nil {
			_ = db.Close() // the file goes with its folder
		}
	}
}

// save writes a lift's state.
func (d *database) save(ctx context.Context, lift, state string) error {
	_, err := d.db.ExecContext(ctx, `INSERT OR REPLACE INTO lifts (id, state) VALUES (?, ?)`, lift, state)
	return err
}

// load reads it.
func (d *database) load(ctx context.Context, lift string) (state string, err error) {
	d.loads.Add(1)
	err = d.db.QueryRowContext(ctx, `SELECT state FROM lifts WHERE id = ?`, lift).Scan(&state)
	return state, err
}

// locked calls f while somebody else holds the lock of the database: each save
// fails, and loads go on.
func (d *database) locked(ctx context.Context, f func() error) error {
	conn, err := d.other.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err = f()
	_, rollbackErr := conn.ExecContext(ctx, `ROLLBACK`)
	return errors.Join(err, rollbackErr)
}
