package broadcast

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/redis-grind/grind/internal/unit"
	"github.com/redis-grind/grind/kit/redisproc"
)

const (
	sleeper = "sleeper" // the connection that does not read
	lineKey = "line:9"  // on a server of our own, so without a prefix
	mega    = 1 << 20
)

// slow has one display stop reading, beside one that reads, on a server whose
// limit we may set.
func slow(ctx context.Context, r *unit.Run) error {
	if !r.Has(unit.NeedOwnServer) {
		r.Step("What a display that does not read costs the server needs a redis-server of our own to show; `grind setup` installs one.")
		return nil
	}
	server, err := r.Server(ctx, redisproc.Options{Name: "slow"})
	if err != nil {
		return err
	}
	rdb := server.Client()
	defer rdb.Close()
	if err := limit(ctx, r, rdb); err != nil {
		return err
	}
	stuck, err := stopReading(server.Addr())
	if err != nil {
		return err
	}
	defer stuck.Close()
	fast := rdb.Subscribe(ctx, lineKey)
	defer fast.Close()
	if _, err := fast.Receive(ctx); err != nil {
		return err
	}
	got, err := flood(ctx, r, rdb, fast)
	if err != nil {
		return err
	}
	read, err := readRest(stuck)
	if err != nil {
		return err
	}
	size := r.Int("size") * 1024
	r.Metric(unit.Metric{Name: "lost_slow", Label: "notices that the sleeper can never read", Value: float64(got.published - read/size), Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "lost_fast", Label: "notices that the display beside it missed", Value: float64(got.published - got.fast), Tone: unit.Good})
	for line := range strings.Lines(server.Process().Log()) {
		if _, said, ok := strings.Cut(line, "scheduled to be closed ASAP"); ok {
			r.Step("The server's log, the only place where it is told: …scheduled to be closed ASAP %s", strings.TrimSpace(said))
		}
	}
	return nil
}

// limit lowers what the server holds for a subscriber.
func limit(ctx context.Context, r *unit.Run, rdb *redis.Client) error {
	const name = "client-output-buffer-limit"
	was, err := rdb.ConfigGet(ctx, name).Result()
	if err != nil {
		return err
	}
	_, ofPubsub, _ := strings.Cut(was[name], "pubsub ")
	r.Step("A server of our own. By default it holds for a subscriber (hard limit, soft limit, seconds): %s. We make it %d MB.", ofPubsub, r.Int("limit"))
	return rdb.ConfigSet(ctx, name, fmt.Sprintf("pubsub %dmb 0 0", r.Int("limit"))).Err()
}

// stopReading subscribes on a raw connection, reads the confirmation, and then
// never reads again.
func stopReading(addr string) (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", addr, time.Second) //nolint:noctx // to a server of our own, beside us
	if err != nil {
		return nil, err
	}
	tcp := conn.(*net.TCPConn)
	if _, err := fmt.Fprintf(tcp, "CLIENT SETNAME %s\r\nSUBSCRIBE %s\r\n", sleeper, lineKey); err != nil {
		return nil, err
	}
	in := bufio.NewReader(tcp)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if line == ":1\r\n" { // the last line of the confirmation
			return tcp, nil
		}
	}
}

// flooded is what came of a flood of notices.
type flooded struct{ published, fast int }

// flood publishes until the server has had enough of the sleeper.
func flood(ctx context.Context, r *unit.Run, rdb *redis.Client, fast *redis.PubSub) (got flooded, err error) {
	r.Step("Notices of %d KB to two displays: one reads, one has stopped reading.", r.Int("size"))
	notice := strings.Repeat("x", r.Int("size")*1024)
	most := 64 * mega / len(notice) // more than sockets and buffers can hold
	held := unit.Series{Name: "held"}
	peak, receivers := 0.0, int64(0)
	for got.published < most {
		now, err := rdb.Publish(ctx, lineKey, notice).Result()
		if err != nil {
			return got, err
		}
		got.published++
		if _, err := fast.ReceiveMessage(ctx); err != nil {
			return got, err
		}
		got.fast++
		bytes, there, err := heldFor(ctx, rdb, sleeper)
		if err != nil {
			return got, err
		}
		if bytes > 0 {
			receivers = now // while it is asleep
		}
		peak = max(peak, bytes/mega)
		held.Points = append(held.Points, unit.Point{X: float64(got.published*len(notice)) / mega, Y: bytes / mega})
		if !there {
			break
		}
	}
	_, there, err := heldFor(ctx, rdb, sleeper)
	if err != nil {
		return got, err
	}
	gone := 1.0
	if there {
		gone = 0
	}
	held.Points = thin(held.Points, 60)
	r.Metric(unit.Metric{Name: "told_receivers", Label: "receivers that PUBLISH reports, one of them asleep", Value: float64(receivers)})
	r.Metric(unit.Metric{Name: "published_mb", Label: "published until the server disconnects the sleeper", Value: float64(got.published*len(notice)) / mega, Unit: "MB", Minor: true})
	r.Metric(unit.Metric{Name: "held", Label: "held for the sleeper at most", Value: peak, Unit: "MB", Tone: unit.Bad})
	r.Metric(unit.Metric{Name: "disconnected", Label: "displays disconnected", Value: gone})
	r.Chart(unit.Chart{Kind: unit.Lines, Title: "What the server holds for a display that does not read", XLabel: "MB published", YLabel: "held", Unit: "MB",
		Series: []unit.Series{held}, Mark: &unit.Mark{Label: "limit", Value: float64(r.Int("limit"))}})
	return got, nil
}

// thin keeps at most n points and the last two: the peak, and the end.
func thin(points []unit.Point, n int) (out []unit.Point) {
	every := len(points)/n + 1
	for i, p := range points {
		if i%every == 0 || i >= len(points)-2 {
			out = append(out, p)
		}
	}
	return out
}

// heldFor asks the server what it holds for the connection of this name.
func heldFor(ctx context.Context, rdb *redis.Client, name string) (bytes float64, there bool, err error) {
	list, err := rdb.Do(ctx, "CLIENT", "LIST", "TYPE", "pubsub").Text()
	if err != nil {
		return 0, false, err
	}
	for line := range strings.Lines(list) {
		if !strings.Contains(line, " name="+name+" ") {
			continue
		}
		for field := range strings.FieldsSeq(line) {
			if text, ok := strings.CutPrefix(field, "omem="); ok {
				bytes, err = strconv.ParseFloat(text, 64)
			}
		}
		return bytes, true, err
	}
	return 0, false, nil
}

// readRest is the sleeper, awake at last: it reads what the network still has for
// it, until the end.
func readRest(conn *net.TCPConn) (bytes int, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, conn)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // closed or reset: how it ended is not the question
	}
	return int(n), err
}
