package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"callfloor/internal/config"
	"callfloor/internal/store"
	"callfloor/ivr"
	"callfloor/media/codec"
)

const (
	// maxSpoken is the largest sound that is taken for one text: a minute of
	// 48 kHz.
	maxSpoken = 6 << 20
	// maxRecognised is the longest answer of a recogniser.
	maxRecognised = 64 << 10
)

// speechClient asks the servers of the configuration, which an administrator
// chose: they may stand anywhere. It follows no redirect.
func speechClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: 16, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: 3 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post sends body and returns the answer and its type. Errors hold neither
// address nor text.
func post(ctx context.Context, c *http.Client, address, authorization, contentType string, body []byte, limit int64) (answer []byte, kind string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, "", errors.New("the address of the server cannot be read")
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "callfloor")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	got, err := c.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, "", errors.New("the server did not answer in time")
		}
		return nil, "", errors.New("the server cannot be reached")
	}
	defer got.Body.Close() //nolint:errcheck // it was only read
	answer, err = io.ReadAll(io.LimitReader(got.Body, limit+1))
	switch {
	case err != nil:
		return nil, "", errors.New("the answer broke off")
	case got.StatusCode/100 != 2:
		return nil, "", fmt.Errorf("the server answered %d", got.StatusCode)
	case int64(len(answer)) > limit:
		return nil, "", fmt.Errorf("the answer is longer than %d octets", limit)
	}
	kind, _, _ = mime.ParseMediaType(got.Header.Get("Content-Type"))
	return answer, kind, nil
}

// speakOver has a server speak a text: WAV, or raw PCMU at 8 kHz, comes back.
func (v *voice) speakOver(ctx context.Context, lang, text, file string) ([]byte, error) {
	body, err := json.Marshal(map[string]string{"text": text, "language": lang, "voice": v.cfg.Voices.Of(lang)})
	if err != nil {
		return nil, err
	}
	sound, kind, err := post(ctx, v.client, v.cfg.URL, v.cfg.Authorization, "application/json", body, maxSpoken)
	if err != nil {
		return nil, fmt.Errorf("the text could not be spoken: %w", err)
	}
	switch kind {
	case "audio/basic", "audio/pcmu", "audio/x-mulaw", "audio/mulaw":
		samples := make([]int16, len(sound))
		d := codec.NewDecoder(codec.PCMU)
		defer d.Close()
		for at := 0; at < len(sound); at += 160 {
			d.Decode(samples[at:], sound[at:min(at+160, len(sound))])
		}
		if sound, err = wavOf(samples); err != nil {
			return nil, err
		}
	}
	v.tidy()
	if err := store.WriteFile(file, sound, 0o644); err != nil {
		return nil, fmt.Errorf("keep what was spoken: %w", err)
	}
	return sound, os.Chmod(file, 0o600)
}

// recogniser asks a server what a customer said.
type recogniser struct {
	cfg    config.Speech
	client *http.Client
}

var _ ivr.Recogniser = (*recogniser)(nil)

// Recognise implements ivr.Recogniser: the sound goes out as WAV, and
// {"text": …, "confidence": 0 to 1} comes back.
func (r *recogniser) Recognise(ctx context.Context, lang string, sound []int16, hints []string) (string, float64, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	file, err := wavOf(sound)
	if err != nil {
		return "", 0, err
	}
	query := "?language=" + lang
	if strings.Contains(r.cfg.Recognise, "?") {
		query = "&language=" + lang
	}
	for _, h := range hints {
		query += "&hint=" + url.QueryEscape(h)
	}
	answer, _, err := post(ctx, r.client, r.cfg.Recognise+query, r.cfg.Authorization, "audio/wav", file, maxRecognised)
	if err != nil {
		return "", 0, err
	}
	var got struct {
		Text       string   `json:"text"`
		Confidence *float64 `json:"confidence"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return "", 0, errors.New("the answer is no JSON")
	}
	sure := 1.0
	if got.Confidence != nil {
		sure = *got.Confidence
	}
	return got.Text, sure, nil
}
