package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"callfloor/api"
)

// TestHouseOverHTTPSAlone: commands find the server that runs on the folder where
// it has no plain HTTP, whoever its certificate is from; another server's must be
// trusted.
func TestHouseOverHTTPSAlone(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer s.Close()
	dir := t.TempDir()
	if err := api.WriteRunFile(dir, api.RunFile{URL: s.URL, Token: "t"}); err != nil {
		t.Fatal(err)
	}
	h, err := where{Data: dir}.open(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if r, ok := h.(*remote); !ok || r.base != s.URL {
		t.Errorf("got %T, want the server at %s", h, s.URL)
	}
	other, err := where{Server: s.URL, Token: "t"}.open(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if other.(*remote).alive(t.Context()) {
		t.Error("a server whose certificate nobody trusts got the token")
	}
}
