package agentweb

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestHandler(t *testing.T) {
	script := strings.Repeat("console.log('callfloor');\n", 100)
	h := newHandler(fstest.MapFS{
		"index.html":             {Data: []byte("<title>Callfloor</title>")},
		"favicon.svg":            {Data: []byte("<svg/>")},
		"assets/app-1a2b3c4d.js": {Data: []byte(script)},
		".gitkeep":               {},
	})
	for _, c := range []struct {
		name, method, path string
		status             int
		cache, body        string
	}{
		{"OK root", "GET", "/", 200, "no-cache", "<title>Callfloor</title>"},
		{"OK page of the app", "GET", "/calls/0123", 200, "no-cache", "<title>Callfloor</title>"},
		{"OK page of the app, dotted dot dot", "GET", "/../../floor", 200, "no-cache", "<title>Callfloor</title>"},
		{"OK icon", "GET", "/favicon.svg", 200, "no-cache", "<svg/>"},
		{"OK hashed asset", "GET", "/assets/app-1a2b3c4d.js", 200, "public, max-age=31536000, immutable", script},
		{"ErrNotFound old asset", "GET", "/assets/app-ffffffff.js", 404, "", ""},
		{"ErrNotFound asset without extension", "GET", "/assets/x", 404, "", ""},
		{"ErrNotFound api", "GET", "/api/v1/nothing", 404, "", ""},
		{"ErrNotFound hidden", "GET", "/.gitkeep", 404, "", ""},
		{"ErrMethod", "POST", "/", 405, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(c.method, "/", nil)
			r.URL.Path = c.path
			h.ServeHTTP(w, r)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d", w.Code, c.status)
			}
			if c.status != 200 {
				return
			}
			if got := w.Header().Get("Cache-Control"); got != c.cache {
				t.Errorf("Cache-Control %q, want %q", got, c.cache)
			}
			if w.Body.String() != c.body {
				t.Errorf("body %q", w.Body.String())
			}
		})
	}
}

func TestHandlerCompressesAndRevalidates(t *testing.T) {
	script := strings.Repeat("let a = 1;\n", 500)
	h := newHandler(fstest.MapFS{"index.html": {Data: []byte("x")}, "assets/a-1.js": {Data: []byte(script)}})
	r := httptest.NewRequest("GET", "/assets/a-1.js", nil)
	r.Header.Set("Accept-Encoding", "br, gzip")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Header().Get("Content-Encoding") != "gzip" {
		t.Fatal("not compressed")
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(z); string(got) != script {
		t.Fatal("compressed body differs")
	}
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusNotModified {
		t.Fatalf("status %d, want 304", w.Code)
	}
}

func TestHandlerWithoutTheApp(t *testing.T) {
	w := httptest.NewRecorder()
	newHandler(fstest.MapFS{".gitkeep": {}}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make web") {
		t.Fatalf("%d %q", w.Code, w.Body.String())
	}
}
