package tap

import (
	"bytes"
	"context"
	"io"
	"time"
)

// maxDelayed bounds the bytes that wait in a delay line; a client that sends
// more waits as before a full network.
const maxDelayed = 1 << 20

// delayLine holds bursts until they are due, in order.
type delayLine struct {
	q    []parcel
	size int
}

type parcel struct {
	due  time.Time
	data []byte
}

// due says when the first burst is to go on, if one waits.
func (l *delayLine) due() (at time.Time, waiting bool) {
	if len(l.q) == 0 {
		return time.Time{}, false
	}
	return l.q[0].due, true
}

func (l *delayLine) full() bool { return l.size >= maxDelayed }

func (l *delayLine) add(b []byte, d time.Duration) {
	due := time.Now().Add(d)
	if n := len(l.q); n > 0 && l.q[n-1].due.After(due) {
		due = l.q[n-1].due // bursts do not overtake each other
	}
	l.q = append(l.q, parcel{due, bytes.Clone(b)})
	l.size += len(b)
}

func (l *delayLine) take() []byte {
	b := l.q[0].data
	l.q[0] = parcel{}
	l.q = l.q[1:]
	l.size -= len(b)
	return b
}

// pacer lets bytes pass at a rate.
type pacer struct{ free time.Time }

// write writes b to w at rate bytes per second, in pieces of a twentieth of a
// second; zero means no limit.
func (p *pacer) write(ctx context.Context, w io.Writer, b []byte, rate int) error {
	if rate <= 0 {
		_, err := w.Write(b)
		return err
	}
	for len(b) > 0 {
		n := min(len(b), max(1, rate/20))
		if now := time.Now(); p.free.Before(now) {
			p.free = now
		}
		p.free = p.free.Add(time.Duration(n) * time.Second / time.Duration(rate))
		sleep(ctx, time.Until(p.free))
		if _, err := w.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
