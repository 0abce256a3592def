package httpcache

import (
	"bufio"
	"net"
	"net/http"
)

// passer is the http.ResponseWriter of a handler that answers its client
// itself. It lets the head be seen, and takes the tags from it.
type passer struct {
	http.ResponseWriter
	head func(h http.Header, status int) // sees the head before it is sent
	said bool
}

// WriteHeader sends the head.
func (p *passer) WriteHeader(status int) {
	if !p.said && status >= http.StatusOK {
		p.said = true
		p.head(p.Header(), status)
	}
	for _, name := range tagHeaders() {
		delete(p.Header(), name)
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (p *passer) Write(b []byte) (int, error) {
	if !p.said {
		p.WriteHeader(http.StatusOK)
	}
	return p.ResponseWriter.Write(b)
}

// Flush sends what is written so far.
func (p *passer) Flush() { _ = p.FlushError() }

// FlushError is Flush for those who ask for the error.
func (p *passer) FlushError() error {
	if !p.said {
		p.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(p.ResponseWriter).Flush()
}

// Hijack gives the connection away.
func (p *passer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	p.said = true
	return http.NewResponseController(p.ResponseWriter).Hijack()
}

// Unwrap is for http.ResponseController.
func (p *passer) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// end sends the head of a response that has nothing else.
func (p *passer) end() {
	if !p.said {
		p.WriteHeader(http.StatusOK)
	}
}
