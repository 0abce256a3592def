package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

// Prefix is the path at which Handler is mounted.
const Prefix = "/static/"

//go:embed css js
var files embed.FS

// file is one file as it is sent.
type file struct {
	body []byte
	kind string
	etag string
}

// tree reads all files once and hashes them.
var tree = sync.OnceValues(func() (map[string]file, string) {
	all := map[string]file{}
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		own := sha256.Sum256(body)
		sum.Write([]byte(name))
		sum.Write(own[:])
		all[name] = file{body: body, kind: kind(name), etag: `"` + hex.EncodeToString(own[:8]) + `"`}
		return nil
	})
	if err != nil {
		panic("static: the embedded files cannot be read: " + err.Error())
	}
	return all, hex.EncodeToString(sum.Sum(nil)[:6])
})

// kind is the media type by the name's ending. The types of the system are not
// asked: some machines call a script text/plain, and a strict page refuses it.
func kind(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// Href is the address of a file, such as css/tokens.css, that never changes its
// content.
func Href(name string) string {
	_, hash := tree()
	return Prefix + hash + "/" + name
}

// Handler serves the files below Prefix, with and without their hash.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, hash := tree()
		name, hashed := strings.CutPrefix(strings.TrimPrefix(r.URL.Path, Prefix), hash+"/")
		f, ok := all[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are answered here", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", f.etag)
		if hashed {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			h.Set("Cache-Control", "no-cache")
		}
		if r.Header.Get("If-None-Match") == f.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if r.Method == http.MethodGet {
			w.Write(f.body) // the reader may be gone; there is nobody to tell
		}
	})
}
