package writebehind_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"github.com/redis-grind/grind/kit/cache/writebehind"
	"github.com/redis-grind/grind/kit/redisproc"
	"github.com/redis-grind/grind/kit/redistest"
)

// workerEnv makes this test binary a process that writes and flushes, and is
// killed by kill -9 at some instant. It holds a job as JSON.
const workerEnv = "WRITEBEHIND_TEST_WORKER"

// job is what such a process does.
type job struct {
	Addr, Prefix, Database string
	Name                   string // of the keys that it alone writes
	First                  int    // its first value; they grow by one
	KillAt                 int    // the step at which it kills itself, when it drains after a few writes; 0: it goes on until it is killed
}

// table is a sink with a version column. The history shows what was let in, in
// order; arrived is all that came.
type table struct{ db *sql.DB }

func openTable(path string) (table, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		return table{}, err
	}
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE TABLE IF NOT EXISTS items (key TEXT PRIMARY KEY, value INTEGER, version INTEGER);
		CREATE TABLE IF NOT EXISTS history (n INTEGER PRIMARY KEY, key TEXT, value INTEGER, version INTEGER)`)
	return table{db}, err
}

// write is the sink: one transaction, in which an older version changes nothing.
func (s table) write(ctx context.Context, writes []write) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing
	for _, w := range writes {
		result, err := tx.ExecContext(ctx, `INSERT INTO items (key, value, version) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version
			WHERE items.version < excluded.version`, w.Key, w.Value, w.Version)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO history (key, value, version) VALUES (?, ?, ?)`, w.Key, w.Value, w.Version); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// values are what the table holds, after a look at the history: for each key
// values and versions only grow.
func (s table) values(t *testing.T) map[string]int {
	t.Helper()
	rows, err := s.db.QueryContext(t.Context(), `SELECT key, value, version FROM history ORDER BY n`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	last := map[string]write{}
	for rows.Next() {
		var w write
		if err := rows.Scan(&w.Key, &w.Value, &w.Version); err != nil {
			t.Fatal(err)
		}
		if before := last[w.Key]; w.Value < before.Value || w.Version <= before.Version {
			t.Errorf("%s: %d (version %d) was written after %d (version %d)", w.Key, w.Value, w.Version, before.Value, before.Version)
		}
		last[w.Key] = w
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	values := map[string]int{}
	for key, w := range last {
		values[key] = w.Value
	}
	return values
}

// suicide kills its process with kill -9 at a step.
type suicide struct {
	at   int64
	step atomic.Int64
}

func (s *suicide) pass() {
	if s.at > 0 && s.step.Add(1) == s.at {
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {} // until it works
	}
}

// mortalConn has three steps for each command: before it is sent, when it was sent,
// and when its reply has come.
type mortalConn struct {
	net.Conn
	*suicide
}

func (c mortalConn) Write(b []byte) (int, error) {
	c.pass()
	n, err := c.Conn.Write(b)
	c.pass()
	return n, err
}

func (c mortalConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.pass()
	return n, err
}

// workerKeys is how many keys each worker writes.
const workerKeys = 5

// workerMain is the process. It prints "key value" for each write that was
// accepted, and for each that it tries, "try key value" before.
func workerMain() int {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(workerEnv)), &j); err != nil {
		return 2
	}
	death := suicide{at: int64(j.KillAt)}
	c := redis.NewClient(&redis.Options{Addr: j.Addr, Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return mortalConn{conn, &death}, err
	}})
	t, err := openTable(j.Database)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	w, err := writebehind.New(c, killOptions(j.Prefix, func(ctx context.Context, writes []write) error {
		death.pass()
		defer death.pass()
		return t.write(ctx, writes)
	}))
	if err != nil {
		return 2
	}
	go func() { // the test died
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	ctx := context.Background()
	one := func(n int) bool {
		key := fmt.Sprint(j.Name, n%workerKeys)
		fmt.Println("try", key, n)
		if err := w.Put(ctx, key, n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return false
		}
		fmt.Println("ack", key, n)
		return true
	}
	if j.KillAt > 0 {
		for n := range 2 {
			if !one(j.First + n*workerKeys) { // the same key
				return 2
			}
		}
		if err := w.Drain(ctx); err != nil {
			return 2
		}
		return 0
	}
	go w.Run(ctx) //nolint:errcheck // it ends by kill -9
	for n := j.First; one(n); n++ {
	}
	return 2
}

func killOptions(prefix string, sink func(context.Context, []write) error) options {
	return quick(options{Prefix: prefix, Sink: sink, Shards: 4, Batch: 10, Lease: 200 * time.Millisecond})
}

// process is a running worker, and what it said.
type process struct {
	cmd  *exec.Cmd
	in   io.Closer
	done chan struct{} // its output has ended

	mu           sync.Mutex
	acked, tried map[string]int
}

func startWorker(t *testing.T, j job) *process {
	t.Helper()
	give, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(os.Args[0]), done: make(chan struct{}), acked: map[string]int{}, tried: map[string]int{}}
	p.cmd.Env = append(os.Environ(), workerEnv+"="+string(give))
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var what, key string
			var n int
			if _, err := fmt.Sscan(lines.Text(), &what, &key, &n); err != nil {
				continue // a line that the kill cut off
			}
			p.mu.Lock()
			if what == "ack" {
				p.acked[key] = n
			} else {
				p.tried[key] = n
			}
			p.mu.Unlock()
		}
	}()
	return p
}

func (p *process) acks() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.acked)
}

// end waits for the end of the process, and reports whether it was killed.
func (p *process) end() (killed bool) {
	<-p.done
	_ = p.cmd.Wait() // its state says more
	p.in.Close()
	return !p.cmd.ProcessState.Exited()
}

// expect compares what processes said with what the table holds at the end.
func (p *process) expect(t *testing.T, values map[string]int) {
	t.Helper()
	for key, acked := range p.acked {
		if got := values[key]; got < acked {
			t.Errorf("%s is %d, but %d was acknowledged", key, got, acked)
		}
	}
}

// A process dies by kill -9 at each of its steps: before, while and after each
// command, before and after the sink. What was acknowledged is written by the next.
func TestKill_eachStep(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redisproc.Options{AppendOnly: true})
	c := redistest.ClientOf(t, s)
	steps, acked := 0, 0
	for at := 1; ; at++ {
		path := filepath.Join(t.TempDir(), "db")
		prefix := fmt.Sprint("step", at)
		p := startWorker(t, job{Addr: s.Addr(), Prefix: prefix, Database: path, Name: "k", First: 100, KillAt: at})
		killed := p.end()
		if !killed && p.cmd.ProcessState.ExitCode() != 0 {
			t.Fatalf("step %d: the worker ended with %v", at, p.cmd.ProcessState)
		}
		sink, err := openTable(path)
		if err != nil {
			t.Fatal(err)
		}
		drain(t, open(t, c, killOptions(prefix, sink.write)))
		values := sink.values(t)
		p.expect(t, values)
		for key, got := range values {
			if got > p.tried[key] {
				t.Errorf("%s is %d, but %d was the last that was tried", key, got, p.tried[key])
			}
		}
		if err := sink.db.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("killed at step %d", at)
		}
		acked += len(p.acked)
		if !killed {
			break
		}
		steps = at
	}
	t.Logf("killed at each of %d steps", steps)
	if steps < 20 || acked < steps/2 {
		t.Errorf("%d steps and %d acknowledged writes, want more of both", steps, acked)
	}
}

// Three processes write and flush at the same time. Again and again one of them is
// killed by kill -9 and another takes its place.
func TestKill_random(t *testing.T) {
	t.Parallel()
	const processes, kills = 3, 50
	s := redistest.Start(t, redisproc.Options{AppendOnly: true})
	c := redistest.ClientOf(t, s)
	path := filepath.Join(t.TempDir(), "db")
	sink, err := openTable(path)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.db.Close()
	acked, tried := map[string]int{}, map[string]int{}
	// A new process goes on where the one before it was killed, with the same keys.
	start := func(i, first int) *process {
		return startWorker(t, job{Addr: s.Addr(), Prefix: "wb", Database: path, Name: string(rune('a' + i)), First: first})
	}
	var running [processes]*process
	for i := range running {
		running[i] = start(i, 1)
	}
	total := 0
	kill := func(i int) (next int) {
		if err := running[i].cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		if !running[i].end() {
			t.Errorf("a worker ended by itself: %v", running[i].cmd.ProcessState)
		}
		for key, n := range running[i].acked {
			acked[key] = n
			next = max(next, n)
			total++
		}
		for key, n := range running[i].tried {
			tried[key] = n
			next = max(next, n)
		}
		return next + 1
	}
	for range kills {
		i := rand.IntN(processes)
		redistest.Eventually(t, "the worker is at work", func() bool { return running[i].acks() == workerKeys })
		time.Sleep(rand.N(50 * time.Millisecond))
		running[i] = start(i, kill(i))
	}
	for i := range running {
		redistest.Eventually(t, "the worker is at work", func() bool { return running[i].acks() == workerKeys })
		kill(i)
	}
	w := open(t, c, killOptions("wb", sink.write))
	before := stats(t, w)
	drain(t, w)
	after := stats(t, w)
	t.Logf("%d kills: before the last drain %+v, after it %+v", kills+processes, before, after)
	values := sink.values(t)
	for key, want := range acked {
		if got := values[key]; got < want || got > tried[key] {
			t.Errorf("%s is %d; %d was acknowledged and %d tried last", key, got, want, tried[key])
		}
	}
	if len(acked) != processes*workerKeys || after.Dead != 0 || before.Flushed == 0 {
		t.Errorf("%d keys, stats %+v; want all keys, none dead, some flushed on the way", len(acked), after)
	}
}
