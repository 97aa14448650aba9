// Package agentweb holds the browser app (Svelte, built by Vite into dist) and
// serves it. It owns no API: /api, /healthz and the seat socket are mounted by
// package api in front of this handler.
package agentweb

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// The all: prefix takes .gitkeep too, so that the package builds in a checkout
// where the app was never built.
//
//go:embed all:dist
var dist embed.FS

// Notice is the answer of a binary that was built without the app.
const Notice = "This binary was built without the browser app.\nRun `make web` and build it again.\n"

// Built says whether the app is in this binary.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}

// Handler serves the app: hashed assets with a cache of one year, index.html
// for every path that is a page of the app, and Notice (503) when the app is
// not in the binary. It sets no security headers; its mounter does.
func Handler() http.Handler {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return notice()
	}
	return newHandler(sub)
}

// file is one file of the app, ready to send.
type file struct {
	body, gz    []byte
	contentType string
	cache       string
	etag        string
}

type handler map[string]file

func newHandler(fsys fs.FS) http.Handler {
	h := handler{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		h["/"+name] = newFile(name, body)
		return nil
	})
	if _, ok := h["/index.html"]; err != nil || !ok {
		return notice()
	}
	return h
}

func newFile(name string, body []byte) file {
	sum := sha256.Sum256(body)
	f := file{body: body, contentType: contentType(name), cache: "no-cache", etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
	if strings.HasPrefix(name, "assets/") { // Vite puts a hash of the content into these names
		f.cache = "public, max-age=31536000, immutable"
	}
	if len(body) > 1024 && squeezes(f.contentType) {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		_, _ = w.Write(body) // a bytes.Buffer does not fail
		_ = w.Close()
		f.gz = b.Bytes()
	}
	return f
}

// squeezes says whether gzip makes a file of a type much smaller.
func squeezes(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || strings.Contains(contentType, "svg") || contentType == "application/wasm"
}

// contentType does not ask the machine's MIME tables first: they differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".wasm":
		return "application/wasm"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// ServeHTTP answers GET and HEAD. A path with an extension, or under /api/ or
// /assets/, that is no file is a 404 and not a page.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := path.Clean("/" + r.URL.Path)
	f, ok := h[name]
	if !ok {
		if path.Ext(name) != "" || strings.HasPrefix(name, "/api/") || strings.HasPrefix(name, "/assets/") {
			http.NotFound(w, r)
			return
		}
		f = h["/index.html"]
	}
	f.serve(w, r)
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("Cache-Control", f.cache)
	header.Set("ETag", f.etag)
	body := f.body
	if f.gz != nil {
		header.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Range") == "" {
			header.Set("Content-Encoding", "gzip")
			header.Set("ETag", strings.TrimSuffix(f.etag, `"`)+`-gz"`)
			body = f.gz
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func notice() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(Notice)) // the client may be gone
	})
}
