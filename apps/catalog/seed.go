package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/pressly/goose/v3"
)

var (
	colours   = []string{"Amber", "Black", "Blue", "Copper", "Cream", "Green", "Grey", "Olive", "Red", "Sand", "Slate", "White"}
	materials = []string{"ash", "bamboo", "brass", "ceramic", "cork", "cotton", "enamel", "glass", "linen", "oak", "steel", "wool"}
	articles  = []struct{ category, name string }{
		{"kitchen", "kettle"}, {"garden", "lantern"}, {"office", "lamp"}, {"travel", "bottle"}, {"bedroom", "blanket"},
		{"kitchen", "bowl"}, {"garden", "planter"}, {"office", "tray"}, {"travel", "case"}, {"bedroom", "cushion"},
		{"kitchen", "jug"}, {"garden", "bench"}, {"office", "stool"}, {"travel", "mug"}, {"bedroom", "mirror"},
	}
)

// Generated is the product of an id as a new database has it. It is the same for
// everybody, so that a measurement can be repeated.
func Generated(id int) Product {
	mixed := uint32(id) * 2654435761 // Knuth's multiplicative hash: neighbours differ
	article := articles[id%len(articles)]
	return Product{
		ID: id,
		Name: fmt.Sprintf("%s %s %s no. %d", colours[mixed>>8%uint32(len(colours))], materials[mixed>>16%uint32(len(materials))],
			article.name, id),
		Category:   article.category,
		PriceCents: 195 + int(mixed>>4%400)*50,
		Stock:      int(mixed >> 12 % 200),
		Version:    1,
	}
}

// seedBatch is how many products one statement brings.
const seedBatch = 5_000

// seedStatements take products as one JSON text: a statement with thousands of
// parameters takes SQLite three times as long.
var seedStatements = map[goose.Dialect]string{
	goose.DialectPostgres: `INSERT INTO products (id, name, category, price_cents, stock)
		SELECT id, name, category, price_cents, stock
		FROM json_to_recordset($1) AS p (id INTEGER, name TEXT, category TEXT, price_cents INTEGER, stock INTEGER)`,
	goose.DialectSQLite3: `INSERT INTO products (id, name, category, price_cents, stock)
		SELECT value ->> 'id', value ->> 'name', value ->> 'category', value ->> 'price_cents', value ->> 'stock'
		FROM json_each($1)`,
}

// fill fills a new database with n products.
func fill(ctx context.Context, tx *sql.Tx, dialect goose.Dialect, n int) error {
	for first := 1; first <= n; first += seedBatch {
		var batch []Product
		for id := first; id <= n && id < first+seedBatch; id++ {
			batch = append(batch, Generated(id))
		}
		text, err := json.Marshal(batch)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, seedStatements[dialect], string(text)); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}
