package unit

import (
	"context"

	"github.com/redis-grind/grind/internal/pgproc"
)

// Postgres starts a private PostgreSQL and returns the address of an empty database
// on it, for pgx. The server is stopped when the run ends. Where none is installed,
// as Has(NeedPostgres) says before, the error is pgproc.ErrNotInstalled.
func (r *Run) Postgres(ctx context.Context) (url string, err error) {
	s, err := pgproc.Start(ctx, pgproc.Options{})
	if err != nil {
		return "", err
	}
	r.atEnd(s.Stop)
	return s.URL(), nil
}
