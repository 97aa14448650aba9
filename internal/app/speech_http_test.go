package app

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"callfloor/internal/config"
)

// TestSpeechOverHTTP: a server speaks, as WAV or raw mu-law, and writes down;
// what it spoke is kept, and what it refuses is told.
func TestSpeechOverHTTP(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Header.Get("Authorization") != "Bearer x":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/hear":
			if !bytes.HasPrefix(body, []byte("RIFF")) || r.URL.Query().Get("language") != "zh" || r.URL.Query().Get("hint") != "门店" {
				t.Errorf("asked %s with %d octets", r.URL, len(body))
			}
			_, _ = io.WriteString(w, `{"text":"门店","confidence":0.8}`)
		case strings.Contains(string(body), "wav"):
			_, _ = w.Write(speech(1, 0.3))
		default:
			w.Header().Set("Content-Type", "audio/basic")
			_, _ = w.Write(bytes.Repeat([]byte{0x9E, 0x1E}, 4000))
		}
	}))
	defer srv.Close()
	cfg := config.Speech{URL: srv.URL + "/say", Recognise: srv.URL + "/hear", Authorization: "Bearer x", Timeout: 20 * time.Second}
	v, err := newVoice(cfg, t.TempDir())
	must(t, err)
	for _, text := range []string{"as wav", "raw", "raw"} {
		clip, err := v.Speak(t.Context(), "en", text)
		must(t, err)
		if clip.Duration() != time.Second {
			t.Errorf("%s lasts %v", text, clip.Duration())
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times; what was spoken is kept", asked)
	}
	text, sure, err := (&recogniser{cfg: cfg, client: speechClient()}).Recognise(t.Context(), "zh", make([]int16, 800), []string{"门店"})
	if err != nil || text != "门店" || sure != 0.8 {
		t.Errorf("understood %q (%v), %v", text, sure, err)
	}
	cfg.Authorization = ""
	if v, err = newVoice(cfg, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Speak(t.Context(), "en", "raw"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("refused: %v", err)
	}
}
