package notes

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	_ "modernc.org/sqlite" // SQLite in Go alone, for the one comparison here
)

// note is what the three stores keep.
type note struct{ id, owner, tag, text string }

// noteOf makes the i-th note. One in fifty has the rare tag.
func noteOf(i int) note {
	tag := fmt.Sprintf("tag-%d", i%50)
	if i%50 == 7 {
		tag = rare
	}
	return note{id: fmt.Sprint(i), owner: fmt.Sprintf("owner-%d", i%100), tag: tag, text: fmt.Sprintf("this is what note %d has to say", i)}
}

// store is the workload: a planned write, two planned reads, and a question that
// nobody planned for.
type store interface {
	save(ctx context.Context, n note) error
	read(ctx context.Context, id string) (note, error)
	tagged(ctx context.Context, tag string) (int, error)
	mentions(ctx context.Context, word string) (int, error) // in the text of any note
	count(ctx context.Context) (int, error)
}

// region: map

// mapStore lives and dies with its process.
type mapStore struct {
	mu    sync.RWMutex
	notes map[string]note
	tags  map[string]map[string]bool
}

func newMapStore() *mapStore {
	return &mapStore{notes: map[string]note{}, tags: map[string]map[string]bool{}}
}

func (s *mapStore) save(_ context.Context, n note) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tags[n.tag] == nil {
		s.tags[n.tag] = map[string]bool{}
	}
	s.notes[n.id], s.tags[n.tag][n.id] = n, true
	return nil
}

// endregion

func (s *mapStore) read(_ context.Context, id string) (note, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.notes[id], nil
}

func (s *mapStore) tagged(_ context.Context, tag string) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []note
	for id := range s.tags[tag] {
		found = append(found, s.notes[id])
	}
	return len(found), nil
}

func (s *mapStore) mentions(_ context.Context, word string) (n int, _ error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, note := range s.notes {
		if strings.Contains(note.text, word) {
			n++
		}
	}
	return n, nil
}

func (s *mapStore) count(context.Context) (int, error) { return len(s.notes), nil }

// sqlStore is a file that any program on this machine may open.
type sqlStore struct{ db *sql.DB }

func newSQLStore(ctx context.Context, file string) (*sqlStore, error) {
	// WAL with synchronous=NORMAL: a commit survives the program, not the power.
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS notes (id TEXT PRIMARY KEY, owner TEXT, tag TEXT, text TEXT) WITHOUT ROWID;
		CREATE INDEX IF NOT EXISTS notes_tag ON notes (tag)`)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return &sqlStore{db}, nil
}

// region: sql

// save needs no word about the index: the database keeps it true.
func (s *sqlStore) save(ctx context.Context, n note) error {
	_, err := s.db.ExecContext(ctx, `INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)`, n.id, n.owner, n.tag, n.text)
	return err
}

// endregion

func (s *sqlStore) read(ctx context.Context, id string) (n note, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT id, owner, tag, text FROM notes WHERE id = ?`, id).Scan(&n.id, &n.owner, &n.tag, &n.text)
	return n, err
}

func (s *sqlStore) tagged(ctx context.Context, tag string) (found int, err error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, owner, tag, text FROM notes WHERE tag = ?`, tag)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var n note
		if err := rows.Scan(&n.id, &n.owner, &n.tag, &n.text); err != nil {
			return 0, err
		}
		found++
	}
	return found, rows.Err()
}

func (s *sqlStore) mentions(ctx context.Context, word string) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM notes WHERE instr(text, ?) > 0`, word).Scan(&n)
	return n, err
}

func (s *sqlStore) count(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM notes`).Scan(&n)
	return n, err
}

// redisStore is a server that any program on the network may ask.
type redisStore struct {
	rdb *redis.Client
	key func(string) string
}

// region: redis

// save keeps the index itself: whoever writes notes elsewhere must do so too.
func (s *redisStore) save(ctx context.Context, n note) error {
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, s.key("store:note:"+n.id), "owner", n.owner, "tag", n.tag, "text", n.text)
		p.SAdd(ctx, s.key("store:tag:"+encode(n.tag)), n.id)
		p.SAdd(ctx, s.key("store:all"), n.id)
		return nil
	})
	return err
}

// endregion

func (s *redisStore) read(ctx context.Context, id string) (note, error) {
	f, err := s.rdb.HGetAll(ctx, s.key("store:note:"+id)).Result()
	return note{id, f["owner"], f["tag"], f["text"]}, err
}

func (s *redisStore) tagged(ctx context.Context, tag string) (int, error) {
	return byIndex(ctx, s.rdb, func(name string) string { return s.key("store:" + name) }, tag)
}

// mentions has no index to ask, so every text comes here.
func (s *redisStore) mentions(ctx context.Context, word string) (n int, err error) {
	ids, err := s.rdb.SMembers(ctx, s.key("store:all")).Result()
	if err != nil {
		return 0, err
	}
	texts, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, id := range ids {
			p.HGet(ctx, s.key("store:note:"+id), "text")
		}
		return nil
	})
	for _, cmd := range texts {
		if strings.Contains(cmd.(*redis.StringCmd).Val(), word) {
			n++
		}
	}
	return n, err
}

func (s *redisStore) count(ctx context.Context) (int, error) {
	n, err := s.rdb.SCard(ctx, s.key("store:all")).Result()
	return int(n), err
}
