package httpcache

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// A handler that asks for more than to write (see http.ResponseController) gets
// its client's connection, and its response is not kept. Where nobody waits for
// it any longer, it gets errForgotten.

// connection passes the response on.
func (rec *recorder) connection() (*http.ResponseController, error) {
	rec.mu.Lock()
	rec.pass(isStream)
	rec.mu.Unlock()
	if rec.state() != passing {
		return nil, errForgotten
	}
	if rec.head != nil {
		rec.send()
	}
	return http.NewResponseController(rec.call.w), nil
}

// Flush is FlushError for those who do not ask for the error.
func (rec *recorder) Flush() { _ = rec.FlushError() }

// FlushError sends what is written so far.
func (rec *recorder) FlushError() error {
	rec.WriteHeader(http.StatusOK)
	connection, err := rec.connection()
	if err != nil {
		return err
	}
	return connection.Flush()
}

// Hijack gives the connection away.
func (rec *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	connection, err := rec.connection()
	if err != nil {
		return nil, nil, err
	}
	return connection.Hijack()
}

// SetReadDeadline is the connection's.
func (rec *recorder) SetReadDeadline(deadline time.Time) error {
	connection, err := rec.connection()
	if err != nil {
		return err
	}
	return connection.SetReadDeadline(deadline)
}

// SetWriteDeadline is the connection's.
func (rec *recorder) SetWriteDeadline(deadline time.Time) error {
	connection, err := rec.connection()
	if err != nil {
		return err
	}
	return connection.SetWriteDeadline(deadline)
}

// EnableFullDuplex is the connection's.
func (rec *recorder) EnableFullDuplex() error {
	connection, err := rec.connection()
	if err != nil {
		return err
	}
	return connection.EnableFullDuplex()
}
