package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// client reads products over connections that stay open. It knows of HTTP what these
// servers answer: a status, headers with a Content-Length, and a body.
type client struct {
	addr string
	free chan *conn
}

type conn struct {
	net.Conn
	r       *bufio.Reader
	request []byte
	body    []byte
}

func newClient(addr string, conns int) *client {
	c := &client{addr: addr, free: make(chan *conn, conns)}
	for range conns {
		c.free <- nil // to be dialled
	}
	return c
}

// get reads the product of item i, whose id is one more.
func (c *client) get(ctx context.Context, i int) error {
	_, err := c.read(ctx, i+1)
	return err
}

// read returns the body of a product; it is good until the connection is used again.
func (c *client) read(ctx context.Context, id int) ([]byte, error) {
	k := <-c.free
	defer func() { c.free <- k }()
	if k == nil {
		var d net.Dialer
		n, err := d.DialContext(ctx, "tcp", c.addr)
		if err != nil {
			return nil, err
		}
		k = &conn{Conn: n, r: bufio.NewReader(n)}
	}
	k.SetDeadline(time.Now().Add(10 * time.Second))
	k.request = append(k.request[:0], "GET /products/"...)
	k.request = strconv.AppendInt(k.request, int64(id), 10)
	k.request = append(append(append(k.request, " HTTP/1.1\r\nHost: "...), c.addr...), "\r\n\r\n"...)
	if _, err := k.Write(k.request); err != nil {
		return nil, err
	}
	return k.answer()
}

func (k *conn) answer() ([]byte, error) {
	length, first := -1, true
	for {
		line, err := k.r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if first && !bytes.Contains(line, []byte(" 200 ")) {
			return nil, fmt.Errorf("got %q", line)
		}
		first = false
		if len(line) == 0 {
			break
		}
		const name = "content-length:"
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("an answer without Content-Length")
	}
	if cap(k.body) < length {
		k.body = make([]byte, length)
	}
	k.body = k.body[:length]
	_, err := io.ReadFull(k.r, k.body)
	return k.body, err
}

func (c *client) close() {
	for range cap(c.free) {
		if k := <-c.free; k != nil {
			k.Close()
		}
	}
}
