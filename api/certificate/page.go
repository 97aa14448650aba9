package certificate

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"
)

// Paths of the page that helps people to install the authority.
const (
	PagePath  = "/install"
	StylePath = "/install.css"
	RootPath  = "/authority.crt"
)

//go:embed page/install.html
var page string

//go:embed page/install.css
var style []byte

// Public says whether a path is served over plain HTTP too: it is what one
// needs before HTTPS works.
func Public(path string) bool { return path == PagePath || path == StylePath || path == RootPath }

// Pages serves the page, its style and the authority's certificate; secure is
// where the house is found afterwards. Without an own authority the page says
// that nothing is to be done.
func (s *Source) Pages(secure func(r *http.Request) string) http.Handler {
	show := template.Must(template.New("install").Parse(page))
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+PagePath, func(w http.ResponseWriter, r *http.Request) {
		_, own := s.Root()
		var html bytes.Buffer
		err := show.Execute(&html, map[string]any{
			"Own": own, "Fingerprint": strings.SplitAfter(s.Fingerprint(), ":"), "Secure": secure(r),
			"Root": RootPath, "Style": StylePath, "Chinese": chinese(r.Header.Get("Accept-Language")),
		})
		if err != nil {
			http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Vary", "Accept-Language")
		_, _ = w.Write(html.Bytes())
	})
	mux.HandleFunc("GET "+StylePath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(style)
	})
	mux.HandleFunc("GET "+RootPath, func(w http.ResponseWriter, r *http.Request) {
		root, own := s.Root()
		if !own {
			http.NotFound(w, r)
			return
		}
		// The type at which systems offer to install it.
		w.Header().Set("Content-Type", "application/x-x509-ca-cert")
		w.Header().Set("Content-Disposition", `attachment; filename="callfloor-authority.crt"`)
		_, _ = w.Write(root)
	})
	return mux
}

// chinese says whether a browser that accepts these languages wants Chinese
// before English; browsers name the one that they want most first.
func chinese(accept string) bool {
	for _, part := range strings.Split(strings.ToLower(accept), ",") {
		switch tag := strings.TrimSpace(part); {
		case strings.HasPrefix(tag, "zh"):
			return true
		case strings.HasPrefix(tag, "en"):
			return false
		}
	}
	return false
}
