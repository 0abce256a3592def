//go:build exercise

package exercise_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"strings"
	"sync"
)

// garden is a database in memory, behind database/sql. Each of its tables is a number,
// which UPDATE raises. A query answers with its text, its arguments and the numbers of
// its tables; a transaction sees its own changes, and others see them when it has
// committed.
type garden struct {
	mu     sync.Mutex
	tables map[string]int
	asked  int // queries, since somebody looked
	open   int // transactions

	refuse       error  // what queries fail with
	breaksOff    bool   // after the first row
	refuseCommit error  // what commits fail with
	beforeCommit func() // called once
	atCommit     func() // called once, when it is done and the caller does not know yet
	held         func() // called once by a query that has read and not yet answered
}

var (
	errBusy    = errors.New("the database is busy")
	errBroken  = errors.New("the connection broke off")
	errBackOut = errors.New("the member brought it back")
)

func newGarden() (*garden, *sql.DB) {
	g := &garden{tables: map[string]int{}}
	return g, sql.OpenDB(g)
}

// queries returns how many there were since the last call.
func (g *garden) queries() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.asked
	g.asked = 0
	return n
}

// transactions returns how many are open.
func (g *garden) transactions() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// once takes a hook out, so that it is called once.
func (g *garden) once(hook *func()) func() {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := *hook
	*hook = nil
	if f == nil {
		return func() {}
	}
	return f
}

// The rest is what database/sql asks of a driver.

func (g *garden) Connect(context.Context) (driver.Conn, error) { return &conn{g: g}, nil }
func (g *garden) Driver() driver.Driver                        { return nil }

type conn struct {
	g       *garden
	pending map[string]int // of its transaction; nil without one
}

func (c *conn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not here") }
func (c *conn) Close() error                        { return nil }
func (c *conn) Begin() (driver.Tx, error)           { return c.BeginTx(context.Background(), driver.TxOptions{}) }

func (c *conn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	c.g.open++
	c.pending = map[string]int{}
	return c, nil
}

func (c *conn) Commit() error {
	c.g.once(&c.g.beforeCommit)()
	c.g.mu.Lock()
	c.g.open--
	err := c.g.refuseCommit
	if err == nil {
		maps.Copy(c.g.tables, c.pending)
	}
	c.pending = nil
	c.g.mu.Unlock()
	c.g.once(&c.g.atCommit)()
	return err
}

func (c *conn) Rollback() error {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	c.g.open--
	c.pending = nil
	return nil
}

var named = regexp.MustCompile(`(?:FROM|JOIN|UPDATE) (\w+)`)

func (c *conn) number(table string) int {
	if n, changed := c.pending[table]; changed {
		return n
	}
	return c.g.tables[table]
}

func (c *conn) ExecContext(_ context.Context, text string, _ []driver.NamedValue) (driver.Result, error) {
	c.g.mu.Lock()
	defer c.g.mu.Unlock()
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		if c.pending == nil {
			c.g.tables[m[1]]++
			continue
		}
		c.pending[m[1]] = c.number(m[1]) + 1
	}
	return driver.RowsAffected(1), nil
}

func (c *conn) QueryContext(_ context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.g.mu.Lock()
	c.g.asked++
	err := c.g.refuse
	found := &cursor{breaksOff: c.g.breaksOff}
	var numbers, asked []string
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		numbers = append(numbers, fmt.Sprint(m[1], " ", c.number(m[1])))
	}
	for _, arg := range args {
		asked = append(asked, fmt.Sprintf("%T %q", arg.Value, fmt.Sprint(arg.Value)))
	}
	if !strings.Contains(text, "WHERE 1 = 0") {
		found.rows = [][]string{{text, strings.Join(asked, "; "), strings.Join(numbers, ", ")}, {"", "", "the end"}}
	}
	c.g.mu.Unlock()
	c.g.once(&c.g.held)()
	if err != nil {
		return nil, err
	}
	return found, nil
}

// cursor hands out rows.
type cursor struct {
	rows      [][]string
	next      int
	breaksOff bool
}

func (c *cursor) Columns() []string { return []string{"question", "arguments", "numbers"} }
func (c *cursor) Close() error      { return nil }

func (c *cursor) Next(into []driver.Value) error {
	if c.next == 1 && c.breaksOff {
		return errBroken
	}
	if c.next == len(c.rows) {
		return io.EOF
	}
	for i, value := range c.rows[c.next] {
		into[i] = value
	}
	c.next++
	return nil
}
