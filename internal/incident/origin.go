package incident

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// origin serves what the program reads from, on a loopback address of its own.
type origin struct {
	url    string
	server *http.Server
	ended  chan struct{}
}

func serveOrigin(ctx context.Context, handler http.Handler) (*origin, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("incident: serve the origin: %w", err)
	}
	o := &origin{
		url:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second},
		ended:  make(chan struct{}),
	}
	go func() {
		defer close(o.ended)
		_ = o.server.Serve(listener) // it ends by close alone
	}()
	return o, nil
}

// close ends it at once: nobody asks any more.
func (o *origin) close() {
	o.server.Close()
	<-o.ended
}
