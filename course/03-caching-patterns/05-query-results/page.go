package seeds

import "context"

// ask asks a question. tables are those that the text reads.
type ask func(ctx context.Context, tables []string, text string, args ...any) (rows, error)

// The tables that the page reads.
var (
	ofVarieties = []string{"varieties"}
	ofPackets   = []string{"packets"}
	ofBoth      = []string{"varieties", "packets"}
)

const (
	sowIn = `SELECT id, name FROM varieties WHERE sow = $1 ORDER BY id`
	left  = `SELECT count(*), coalesce(sum(seeds), 0) FROM packets WHERE variety = $1 AND seeds > 0`
)

// region: each

// each makes the page as one writes it: a list, and a look at each of its rows.
func each(ctx context.Context, ask ask, month int) (rows, error) {
	page, err := ask(ctx, ofVarieties, sowIn, month)
	if err != nil {
		return nil, err
	}
	for i, variety := range page {
		answer, err := ask(ctx, ofPackets, left, variety[0])
		if err != nil {
			return nil, err
		}
		page[i] = append(variety, answer[0]...)
	}
	return page, nil
}

// endregion

// region: joined
const sowInWithPackets = `
SELECT v.id, v.name, count(p.id), coalesce(sum(p.seeds), 0)
FROM varieties v LEFT JOIN packets p ON p.variety = v.id AND p.seeds > 0
WHERE v.sow = $1
GROUP BY v.id, v.name
ORDER BY v.id`

// joined makes the same page of one query.
func joined(ctx context.Context, ask ask, month int) (rows, error) {
	return ask(ctx, ofBoth, sowInWithPackets, month)
}

// endregion
