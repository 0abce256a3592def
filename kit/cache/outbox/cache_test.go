package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	realcache "github.com/redis-grind/grind/kit/cache"
	"github.com/redis-grind/grind/kit/cache/outbox"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// With the real cache: after the commit a reader gets the new row, by key and by
// tag; after a rollback the cached one stays.
func TestInTx_realCache(t *testing.T) {
	client := redistest.ClientOf(t, redistest.Start(t, redisproc.Options{}))
	eachDialect(t, func(t *testing.T, s source, db *sql.DB) {
		rows, err := realcache.New(client, realcache.Options[int, int]{
			Name:    fmt.Sprint("items-", s.Dialect),
			TagFunc: func(key, _ int) []string { return []string{fmt.Sprint("shelf:", key%2)} },
		})
		if err != nil {
			t.Fatal(err)
		}
		box := open(t, s, db, outbox.Options{})
		items, err := outbox.Bind(box, "items", rows)
		if err != nil {
			t.Fatal(err)
		}
		query := "SELECT value FROM items WHERE id = "
		read := func(id int) int {
			t.Helper()
			v, err := rows.Fetch(t.Context(), id, func(ctx context.Context, id int) (v int, err error) {
				err = db.QueryRowContext(ctx, query+fmt.Sprint(id)).Scan(&v)
				return v, err
			})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		change := func(value int, note func(b *outbox.Batch) error) error {
			return box.InTx(t.Context(), nil, func(tx *sql.Tx, b *outbox.Batch) error {
				_, err := tx.ExecContext(t.Context(), fmt.Sprint("UPDATE items SET value = ", value))
				return errors.Join(err, note(b))
			})
		}
		if _, err := db.ExecContext(t.Context(), "INSERT INTO items VALUES (1, 10), (2, 10), (3, 10)"); err != nil {
			t.Fatal(err)
		}
		want := func(when string, values ...int) {
			t.Helper()
			for i, want := range values {
				if got := read(i + 1); got != want {
					t.Errorf("%s: item %d is %d, want %d", when, i+1, got, want)
				}
			}
		}
		want("at first", 10, 10, 10)
		if err := change(20, func(b *outbox.Batch) error { return items.Invalidate(t.Context(), b, 2) }); err != nil {
			t.Fatal(err)
		}
		want("key 2 invalidated", 10, 20, 10)
		if err := change(30, func(b *outbox.Batch) error {
			return errors.Join(items.InvalidateTag(t.Context(), b, "shelf:1"), items.Invalidate(t.Context(), b, 2), errTest)
		}); !errors.Is(err, errTest) {
			t.Fatal(err)
		}
		want("rolled back", 10, 20, 10)
		if err := change(40, func(b *outbox.Batch) error { return items.InvalidateTag(t.Context(), b, "shelf:1") }); err != nil {
			t.Fatal(err)
		}
		want("tag invalidated", 40, 20, 40)
	})
}
