package seeds

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/cache/outbox"
)

// rounds is how many packets are given out in each of the cases.
const rounds = 5

const (
	seedsOf = `SELECT seeds FROM packets WHERE id = $1`
	giveOut = `UPDATE packets SET seeds = 0 WHERE id = $1`
)

// counter is the desk where packets are given out.
type counter struct {
	*answers
	box  *outbox.Outbox
	note *outbox.Cache[string]
}

// visit gives out a packet. The moments are those at which something else happens.
type visit struct {
	packet       int
	beforeCommit func() error // a reader
	dies         bool         // right after the commit
	rollsBack    bool
}

// errChangedMind rolls a transaction back.
var errChangedMind = errors.New("the member brought it back")

// transact gives out a packet by hand; tell is called in the transaction, and told
// after its commit.
func (c *counter) transact(ctx context.Context, v visit, tell func(tx *sql.Tx) error, told func() error) error {
	tx, err := c.l.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, giveOut, v.packet); err != nil {
		return err
	}
	if err := tell(tx); err != nil {
		return err
	}
	if err := v.beforeCommit(); err != nil {
		return err
	}
	if v.rollsBack {
		return errChangedMind
	}
	if err := tx.Commit(); err != nil || v.dies {
		return err
	}
	return told()
}

func nothing() error { return nil }

// forgetFirst invalidates, and commits.
func (c *counter) forgetFirst(ctx context.Context, v visit) error {
	return c.transact(ctx, v, func(*sql.Tx) error { return c.InvalidateTag(ctx, "packets") }, nothing)
}

// forgetAfter commits, and invalidates.
func (c *counter) forgetAfter(ctx context.Context, v visit) error {
	return c.transact(ctx, v, func(*sql.Tx) error { return nil }, func() error { return c.InvalidateTag(ctx, "packets") })
}

// askInside invalidates after the commit too, and before it looks at what is left: by
// the cache, whose query runs in the transaction.
func (c *counter) askInside(ctx context.Context, v visit) error {
	look := func(tx *sql.Tx) error {
		if err := c.Invalidate(ctx, c.keyOf(seedsOf, v.packet)); err != nil { // else it sees what was
			return err
		}
		_, err := c.askBy(ctx, tx, ofPackets, seedsOf, v.packet)
		return err
	}
	return c.transact(ctx, v, look, func() error { return c.InvalidateTag(ctx, "packets") })
}

// region: outbox

// byOutbox notes in the transaction what is to be forgotten after it.
func (c *counter) byOutbox(ctx context.Context, v visit) error {
	return c.box.InTx(ctx, nil, func(tx *sql.Tx, b *outbox.Batch) error {
		if _, err := tx.ExecContext(ctx, giveOut, v.packet); err != nil {
			return err
		}
		return errors.Join(c.note.InvalidateTag(ctx, b, "packets"), v.end())
	})
}

// endregion

// end is what happens between the last statement and the commit.
func (v visit) end() error {
	err := v.beforeCommit()
	if v.rollsBack {
		err = errors.Join(err, errChangedMind)
	}
	return err
}

// killed stands for the cache of a process that died: it can tell nobody.
type killed struct{}

var errKilled = errors.New("this process is gone")

func (killed) Invalidate(context.Context, ...string) error    { return errKilled }
func (killed) InvalidateTag(context.Context, ...string) error { return errKilled }

// desk opens a desk. One that dies reaches Redis no more.
func (l *library) desk(a *answers, dies bool) (*counter, error) {
	box, err := outbox.New(l.DB, outbox.Options{Dialect: l.dialect, Every: 10 * time.Millisecond, Grace: -1})
	if err != nil {
		return nil, err
	}
	var cache outbox.Invalidator[string] = a
	if dies {
		cache = killed{}
	}
	note, err := outbox.Bind(box, "answers", cache)
	return &counter{a, box, note}, err
}

// relay is another process: it delivers what was left behind.
func (c *counter) relay(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.box.Run(ctx) }()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	waiting, _, err := c.box.Backlog(ctx)
	for waiting > 0 && err == nil && ctx.Err() == nil {
		<-look.C
		waiting, _, err = c.box.Backlog(ctx)
	}
	stop()
	return errors.Join(err, <-ended)
}

// order is one way to give out packets beside a cache.
type order struct {
	name, label string
	tone        unit.Tone
	give        func(c *counter, ctx context.Context, v visit) error
}

var orders = []order{
	{"first", "invalidate, then commit", unit.Bad, (*counter).forgetFirst},
	{"after", "commit, then invalidate", unit.Plain, (*counter).forgetAfter},
	{"inside", "the same, and a cached query inside", unit.Bad, (*counter).askInside},
	{"outbox", "kit/cache/outbox", unit.Good, (*counter).byOutbox},
}

// told are the cells of the tables that claims are made of.
var told = []string{"read_first", "read_after", "died_after", "back_inside"}

// committing gives out packets in each order, while readers come and processes die.
func committing(ctx context.Context, r *unit.Run, all []*library) error {
	chart := unit.Chart{Kind: unit.Bars, Title: "The cache is wrong for the next five minutes", Unit: "packets", Series: []unit.Series{{Name: "a reader came before the commit"}, {Name: "died after the commit"}, {Name: "rolled back"}}}
	for _, l := range all {
		r.Step("%s: %d packets are given out, a reader looks just before each commit; %d by processes that die after it; %d times it is rolled back.", l.label, rounds, rounds, rounds)
		sum := map[string]int{}
		table := unit.Table{Title: fmt.Sprintf("Of %d answers the cache has this many wrong, %s", rounds, l.label), Columns: []string{"", "a reader before the commit", "died after the commit", "rolled back"}}
		for _, o := range orders {
			row := []string{o.label}
			for n, what := range []struct {
				name  string
				visit visit
			}{{"read", visit{}}, {"died", visit{dies: true}}, {"back", visit{rollsBack: true}}} {
				wrong, err := o.wrong(ctx, r, l, what.name, what.visit)
				if err != nil {
					return fmt.Errorf("%s, %s, %s: %w", l.label, o.label, what.name, err)
				}
				sum[o.name] += wrong
				row = append(row, fmt.Sprint(wrong))
				if slices.Contains(told, what.name+"_"+o.name) {
					r.Metric(unit.Metric{Name: what.name + "_" + o.name + "_" + l.name, Label: chart.Series[n].Name + ", wrong: " + o.label + ", " + l.label, Value: float64(wrong), Tone: o.tone, Minor: true})
				}
				if l == all[0] {
					chart.Series[n].Points = append(chart.Series[n].Points, unit.Point{Label: o.label, Y: float64(wrong)})
				}
			}
			table.Rows = append(table.Rows, row)
		}
		r.Table(table)
		r.Metric(unit.Metric{Name: "wrong_outbox_" + l.name, Label: "wrong with kit/cache/outbox, in all, " + l.label, Value: float64(sum["outbox"]), Tone: unit.Good})
	}
	r.Chart(chart)
	return nil
}

// wrong gives out packets in one order and counts those of which the cache says
// something else than the database afterwards.
func (o order) wrong(ctx context.Context, r *unit.Run, l *library, name string, v visit) (n int, err error) {
	a, err := newAnswers(r.Redis(), r.Space(o.name+"-"+name+"-"+l.name), l)
	if err != nil {
		return 0, err
	}
	for i := range rounds {
		if _, err := l.ExecContext(ctx, `UPDATE packets SET seeds = 20 WHERE id = $1`, i+1); err != nil {
			return 0, err
		}
	}
	for i := range rounds {
		v.packet = i + 1
		if _, err := a.ask(ctx, ofPackets, seedsOf, v.packet); err != nil { // it is in the cache
			return 0, err
		}
		v.beforeCommit = nothing
		if !v.dies && !v.rollsBack {
			v.beforeCommit = func() error { _, err := a.ask(ctx, ofPackets, seedsOf, v.packet); return err }
		}
		desk, err := l.desk(a, v.dies)
		if err != nil {
			return 0, err
		}
		if err := o.give(desk, ctx, v); err != nil && !errors.Is(err, errChangedMind) {
			return 0, err
		}
		if v.dies {
			if desk, err = l.desk(a, false); err == nil {
				err = desk.relay(ctx)
			}
			if err != nil {
				return 0, err
			}
		}
		told, err := a.ask(ctx, ofPackets, seedsOf, v.packet)
		if err != nil {
			return 0, err
		}
		is, err := l.ask(ctx, nil, seedsOf, v.packet)
		if err != nil {
			return 0, err
		}
		if told[0][0] != is[0][0] {
			n++
		}
	}
	return n, nil
}
