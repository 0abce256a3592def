package workbench

import (
	"slices"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
)

// headings name the headings of a text. Their ids begin with "text-", since a
// heading called Exercise must not take the id of the card of that name.
type headings struct{ parser.IDs }

func newHeadings() parser.Context {
	return parser.NewContext(parser.WithIDs(headings{parser.NewContext().IDs()}))
}

// Generate names a heading.
func (h headings) Generate(value []byte, kind ast.NodeKind) []byte {
	return slices.Concat([]byte("text-"), h.IDs.Generate(value, kind))
}
