package catalog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

var client = &http.Client{Timeout: 10 * time.Second}

// withStop is a context that does not end with the test, whose clean-up comes
// after that.
func withStop(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(context.WithoutCancel(t.Context()))
}

// awaitReady waits until an instance is ready: its database is filled first, which
// takes seconds under the race detector.
func awaitReady(t testing.TB, url string) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(20 * time.Millisecond) {
		answer, err := client.Get(url + "/readyz")
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatalf("%s is not ready after a minute", url)
}

// reply is what came of a call.
type reply struct {
	status int
	header http.Header
}

// layers is its Cache-Status, in one line.
func (r reply) layers() string { return strings.Join(r.header.Values("Cache-Status"), ", ") }

// call sends a request and reads the JSON of its answer.
func call(t *testing.T, method, url string, send, into any) reply {
	t.Helper()
	var text io.Reader
	if send != nil {
		b, err := json.Marshal(send)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, text)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatalf("%s %s: %v: %s", method, url, err, body)
		}
	}
	return reply{answer.StatusCode, answer.Header}
}

// free is an address where nobody listens.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
