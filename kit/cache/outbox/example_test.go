package outbox_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"

	"github.com/redis-grind/grind/kit/cache/outbox"
)

// printed stands for a cache: *cache.Cache has these methods.
type printed struct{}

func (printed) Invalidate(_ context.Context, keys ...int64) error {
	fmt.Println("users", keys, "invalidated")
	return nil
}

func (printed) InvalidateTag(_ context.Context, tags ...string) error {
	fmt.Println("tags", tags, "invalidated")
	return nil
}

func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // each connection to :memory: is a database of its own

	box, err := outbox.New(db, outbox.Options{Dialect: outbox.SQLite})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, box.Schema()+"CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)"); err != nil {
		log.Fatal(err)
	}
	users, err := outbox.Bind(box, "users", printed{})
	if err != nil {
		log.Fatal(err)
	}
	// A server calls box.Run too, for what other processes left behind.

	rename := func(id int64, name string) error {
		return box.InTx(ctx, nil, func(tx *sql.Tx, b *outbox.Batch) error {
			if _, err := tx.ExecContext(ctx, "INSERT INTO users VALUES (?, ?)", id, name); err != nil {
				return err
			}
			if name == "" {
				return errors.New("a user has a name")
			}
			return errors.Join(users.Invalidate(ctx, b, id), users.InvalidateTag(ctx, b, "names"))
		})
	}
	fmt.Println(rename(7, "Ada"))
	fmt.Println(rename(8, ""))
	// Output:
	// users [7] invalidated
	// tags [names] invalidated
	// <nil>
	// a user has a name
}
