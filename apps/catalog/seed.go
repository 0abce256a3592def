package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Products is how many products a new database gets.
const Products = 100_000

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

// seedBatch is how many products one INSERT brings: the parameters of a statement
// are limited, and beyond some hundred rows nothing is gained.
const seedBatch = 500

// seed fills a new database.
func seed(ctx context.Context, tx *sql.Tx) error {
	var statement strings.Builder
	statement.WriteString("INSERT INTO products (id, name, category, price_cents, stock) VALUES ")
	for i := range seedBatch {
		if i > 0 {
			statement.WriteString(", ")
		}
		fmt.Fprintf(&statement, "($%d, $%d, $%d, $%d, $%d)", 5*i+1, 5*i+2, 5*i+3, 5*i+4, 5*i+5)
	}
	insert, err := tx.PrepareContext(ctx, statement.String())
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	defer insert.Close()
	args := make([]any, 0, 5*seedBatch)
	for id := 1; id <= Products; id++ {
		p := Generated(id)
		args = append(args, p.ID, p.Name, p.Category, p.PriceCents, p.Stock)
		if len(args) == cap(args) {
			if _, err := insert.ExecContext(ctx, args...); err != nil {
				return fmt.Errorf("seed: %w", err)
			}
			args = args[:0]
		}
	}
	return nil
}
