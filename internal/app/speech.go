package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"callfloor/internal/config"
	"callfloor/media"
)

const (
	// maxSpeech is the longest text that is spoken, in octets.
	maxSpeech = 1000
	// speechesAtOnce bounds the programs that run at the same time.
	speechesAtOnce = 4
	// speechesKept is how many clips are kept in memory and on disk; the oldest
	// file goes first.
	speechesKept = 500
)

// voice speaks texts by an external program and keeps what was spoken, by its
// content, in memory and in a folder.
type voice struct {
	cfg    config.Speech
	folder string
	slots  chan struct{}
	client *http.Client // asks cfg.URL

	mu    sync.Mutex
	clips map[string]*media.Clip
}

func newVoice(cfg config.Speech, folder string) (*voice, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of spoken texts: %w", err)
	}
	return &voice{cfg: cfg, folder: folder, slots: make(chan struct{}, speechesAtOnce), client: speechClient(), clips: map[string]*media.Clip{}}, nil
}

// Speak implements ivr.Speaker.
func (v *voice) Speak(ctx context.Context, lang, text string) (*media.Clip, error) {
	if len(text) > maxSpeech {
		return nil, fmt.Errorf("the text has %d octets; at most %d are spoken", len(text), maxSpeech)
	}
	sum := sha256.Sum256([]byte(strings.Join(append([]string{lang, v.cfg.Voices.Of(lang), text, v.cfg.URL}, v.cfg.Command...), "\x00")))
	key := hex.EncodeToString(sum[:16])
	v.mu.Lock()
	clip := v.clips[key]
	v.mu.Unlock()
	if clip != nil {
		return clip, nil
	}
	file := filepath.Join(v.folder, key+".wav")
	wav, err := os.ReadFile(file)
	if err != nil {
		if wav, err = v.make(ctx, lang, text, file); err != nil {
			return nil, err
		}
	}
	if clip, err = spokenClip(wav); err != nil {
		os.Remove(file) //nolint:errcheck // it is made anew
		return nil, fmt.Errorf("what was spoken is no sound that can be read: %w", err)
	}
	v.keep(key, clip)
	return clip, nil
}

// make asks the server, or runs the program into a file of its own, which takes its name when it is
// whole.
func (v *voice) make(ctx context.Context, lang, text, file string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	case <-ctx.Done():
		return nil, errors.New("the voice is busy")
	}
	if v.cfg.URL != "" {
		return v.speakOver(ctx, lang, text, file)
	}
	made, err := os.CreateTemp(v.folder, "making-*.wav")
	if err != nil {
		return nil, fmt.Errorf("make a sound file: %w", err)
	}
	defer os.Remove(made.Name()) //nolint:errcheck // gone when all went well
	made.Close()                 //nolint:errcheck // the program writes it
	// A text that begins with a dash would be taken for an option.
	words := strings.NewReplacer("{voice}", v.cfg.Voices.Of(lang), "{file}", made.Name(), "{text}", strings.TrimLeft(text, "- "))
	args := make([]string, len(v.cfg.Command)-1)
	for i, a := range v.cfg.Command[1:] {
		args[i] = words.Replace(a)
	}
	cmd := exec.CommandContext(ctx, v.cfg.Command[0], args...)
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil { // its own words may repeat the text
		return nil, fmt.Errorf("the speech command %s failed: %w", v.cfg.Command[0], err)
	}
	wav, err := os.ReadFile(made.Name())
	if err != nil {
		return nil, fmt.Errorf("read what was spoken: %w", err)
	}
	v.tidy()
	if err := os.Rename(made.Name(), file); err != nil {
		return nil, fmt.Errorf("keep what was spoken: %w", err)
	}
	return wav, nil
}

func (v *voice) keep(key string, clip *media.Clip) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for k := range v.clips {
		if len(v.clips) < speechesKept {
			break
		}
		delete(v.clips, k) // any: the file is still there
	}
	v.clips[key] = clip
}

// tidy removes the oldest files where there are too many.
func (v *voice) tidy() {
	files, err := filepath.Glob(filepath.Join(v.folder, "*.wav"))
	if err != nil || len(files) < 2*speechesKept {
		return
	}
	oldest, at := "", time.Now()
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.ModTime().Before(at) {
			oldest, at = f, info.ModTime()
		}
	}
	if oldest != "" {
		os.Remove(oldest) //nolint:errcheck // the next one tries again
	}
}
