package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/internal/store"
	"callfloor/ivr"
	"callfloor/media/wav"
)

// Where a prompt's sound comes from.
const (
	soundBuiltIn  = "built_in"
	soundUploaded = "uploaded"
	soundRecorded = "recorded"
)

// promptEntry is one line of a prompt's log: a sound that was taken, or the way
// back to the built-in one.
type promptEntry struct {
	Version string  `json:"version"` // "" for the way back
	At      string  `json:"at"`
	By      string  `json:"by"`
	Text    string  `json:"text"`
	Source  string  `json:"source"`
	Seconds float64 `json:"seconds"`
	Level   float64 `json:"level"`
	Peak    float64 `json:"peak"`
}

// promptShelf holds the sounds that were uploaded and recorded: each version a
// file DIR/prompts/LANGUAGE/ID@VERSION.wav, and a log ID.jsonl whose last line
// counts.
type promptShelf struct {
	folder string
	base   *ivr.Prompts
	log    *slog.Logger
	take   func(*ivr.Prompts) error   // makes prompts those of new calls
	now    func() *ivr.Prompts        // those of new calls
	uses   func() map[string][]string // flows by the prompts that they play
	queues []acd.QueueConfig          // some announce their calls by a prompt

	mu sync.Mutex // one change at a time
}

// LoadPrompts returns the built-in prompts with those of the data folder before
// them. A sound that cannot be read is left out and told to warn.
func LoadPrompts(cfg config.Config, warn func(error)) (*ivr.Prompts, error) {
	base, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	if err != nil {
		return nil, err
	}
	return withOwn(base, promptFolder(cfg), warn)
}

func promptFolder(cfg config.Config) string { return filepath.Join(cfg.Data, "prompts") }

// withOwn puts the sounds of the folder before the built-in ones.
func withOwn(base *ivr.Prompts, folder string, warn func(error)) (*ivr.Prompts, error) {
	logs, err := filepath.Glob(filepath.Join(folder, "*", "*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("list the prompts in %s: %w", folder, err)
	}
	p := base
	for _, file := range logs {
		lang, id := filepath.Base(filepath.Dir(file)), strings.TrimSuffix(filepath.Base(file), ".jsonl")
		entries, err := readLines[promptEntry](file)
		if err != nil {
			return nil, fmt.Errorf("read the prompt %s/%s: %w", lang, id, err)
		}
		if len(entries) == 0 || entries[len(entries)-1].Version == "" {
			continue
		}
		last := entries[len(entries)-1]
		sound, err := os.ReadFile(soundFile(folder, lang, id, last.Version))
		next := p
		if err == nil {
			next, err = p.With(ivr.Sound{ID: id, Language: lang, Text: last.Text, WAV: sound})
		}
		if err != nil {
			warn(fmt.Errorf("the prompt %s/%s cannot be read, the built-in one is played: %w", lang, id, err))
			continue
		}
		p = next
	}
	return p, nil
}

func soundFile(folder, lang, id, version string) string {
	return filepath.Join(folder, lang, id+"@"+version+".wav")
}

func (s *promptShelf) logFile(lang, id string) string {
	return filepath.Join(s.folder, lang, id+".jsonl")
}

// entries is the log of a prompt, the oldest first.
func (s *promptShelf) entries(lang, id string) ([]promptEntry, error) {
	list, err := readLines[promptEntry](s.logFile(lang, id))
	if err != nil {
		return nil, fmt.Errorf("read the versions of the prompt %s/%s: %w", lang, id, err)
	}
	return list, nil
}

// Upload implements api.Prompts.
func (s *promptShelf) Upload(_ context.Context, in api.PromptUpload) (api.PromptVersion, error) {
	longest := longestPrompt
	if in.Language == ivr.MusicLanguage {
		longest = longestMusic
	}
	samples, err := prepare(in.WAV, longest)
	if err != nil {
		return api.PromptVersion{}, err
	}
	file, err := wavOf(samples)
	if err != nil {
		return api.PromptVersion{}, fmt.Errorf("make a WAV file of the prompt %s/%s: %w", in.Language, in.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.TrimSpace(in.Text)
	if so, _, ok := s.now().Sound(in.ID, in.Language); ok {
		text = cmp.Or(text, so.Text)
	}
	if text == "" && in.Language != ivr.MusicLanguage {
		return api.PromptVersion{}, contact.Errorf(contact.Invalid, "the prompt %s is new: say with text what is heard in it, for timelines and proofs of consent", in.ID)
	}
	sum := sha256.Sum256(file)
	e := promptEntry{
		Version: hex.EncodeToString(sum[:8]), At: contact.Time(time.Now()), By: in.By, Text: text, Source: soundUploaded,
		Seconds: float64(len(samples)) / phoneRate,
	}
	e.Level, e.Peak = loudness(samples)
	if in.Recorded {
		e.Source = soundRecorded
	}
	return s.add(in.Language, in.ID, e, file)
}

// add takes a sound for new calls and writes it down. s.mu is held.
func (s *promptShelf) add(lang, id string, e promptEntry, file []byte) (api.PromptVersion, error) {
	next, err := s.now().With(ivr.Sound{ID: id, Language: lang, Text: e.Text, WAV: file})
	if err != nil {
		return api.PromptVersion{}, contact.Errorf(contact.Invalid, "the sound cannot be taken: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(s.folder, lang), 0o755); err != nil {
		return api.PromptVersion{}, fmt.Errorf("make the folder of the prompts: %w", err)
	}
	if err := store.WriteFile(soundFile(s.folder, lang, id, e.Version), file, 0o644); err != nil {
		return api.PromptVersion{}, fmt.Errorf("keep the prompt %s/%s: %w", lang, id, err)
	}
	if err := appendLine(s.logFile(lang, id), e); err != nil {
		return api.PromptVersion{}, fmt.Errorf("keep the prompt %s/%s: %w", lang, id, err)
	}
	if err := s.take(next); err != nil {
		return api.PromptVersion{}, err
	}
	s.log.Info("a prompt has a new sound", "prompt", lang+"/"+id, "version", e.Version, "by", e.By)
	return shownEntry(lang, e, true), nil
}

func shownEntry(lang string, e promptEntry, current bool) api.PromptVersion {
	v := api.PromptVersion{
		Language: lang, Version: e.Version, Text: e.Text, Source: e.Source, Seconds: e.Seconds, Level: e.Level, Peak: e.Peak,
		By: e.By, Current: current,
	}
	if e.At != "" {
		v.At = &e.At
	}
	return v
}

// Delete implements api.Prompts.
func (s *promptShelf) Delete(_ context.Context, lang, id, by string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, err := s.entries(lang, id)
	if err != nil {
		return err
	}
	if len(list) == 0 || list[len(list)-1].Version == "" {
		return contact.Errorf(contact.NotFound, "the prompt %s/%s has no sound of the house's own", lang, id)
	}
	if _, _, builtIn := s.base.Sound(id, lang); !builtIn {
		if err := s.inUse(lang, id); err != nil {
			return err
		}
	}
	if err := appendLine(s.logFile(lang, id), promptEntry{At: contact.Time(time.Now()), By: by}); err != nil {
		return fmt.Errorf("note that the prompt %s/%s is gone: %w", lang, id, err)
	}
	next, err := withOwn(s.base, s.folder, s.warn)
	if err != nil {
		return err
	}
	return s.take(next)
}

func (s *promptShelf) warn(err error) { s.log.Error("a prompt cannot be read", "error", err) }

// Restore implements api.Prompts.
func (s *promptShelf) Restore(_ context.Context, lang, id, version, by string) (api.PromptVersion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, err := s.entries(lang, id)
	if err != nil {
		return api.PromptVersion{}, err
	}
	i := slices.IndexFunc(list, func(e promptEntry) bool { return e.Version == version && version != "" })
	if i < 0 {
		return api.PromptVersion{}, contact.Errorf(contact.NotFound, "no version %q of the prompt %s/%s is kept", version, lang, id)
	}
	file, err := os.ReadFile(soundFile(s.folder, lang, id, version))
	if err != nil {
		return api.PromptVersion{}, fmt.Errorf("read a version of the prompt %s/%s: %w", lang, id, err)
	}
	e := list[i]
	e.At, e.By = contact.Time(time.Now()), by
	return s.add(lang, id, e, file)
}

// builtIn is the built-in sound of a prompt.
func (s *promptShelf) builtIn(lang, id string, current bool) (api.PromptVersion, bool) {
	p, _, ok := s.base.Sound(id, lang)
	if !ok {
		return api.PromptVersion{}, false
	}
	e := promptEntry{Version: p.SHA256[:16], Text: p.Text, Source: soundBuiltIn}
	if file, err := builtInSound(lang, id); err == nil {
		if samples, rate, _, err := wav.Read(bytes.NewReader(file)); err == nil {
			e.Seconds = float64(len(samples)) / float64(rate)
			e.Level, e.Peak = loudness(samples)
		}
	}
	return shownEntry(lang, e, current), true
}

func builtInSound(lang, id string) ([]byte, error) {
	return fs.ReadFile(ivr.BuiltinPrompts(), lang+"/"+id+".wav")
}

// Versions implements api.Prompts.
func (s *promptShelf) Versions(_ context.Context, lang, id string) ([]api.PromptVersion, error) {
	entries, err := s.entries(lang, id)
	if err != nil {
		return nil, err
	}
	list := []api.PromptVersion{}
	own := len(entries) > 0 && entries[len(entries)-1].Version != ""
	for i, e := range slices.Backward(entries) {
		if e.Version != "" {
			list = append(list, shownEntry(lang, e, own && i == len(entries)-1))
		}
	}
	if v, ok := s.builtIn(lang, id, !own); ok {
		list = append(list, v)
	}
	if len(list) == 0 {
		return nil, contact.Errorf(contact.NotFound, "there is no prompt %s/%s", lang, id)
	}
	return list, nil
}

// Audio implements api.Prompts.
func (s *promptShelf) Audio(ctx context.Context, lang, id, version string) ([]byte, error) {
	versions, err := s.Versions(ctx, lang, id)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		if v.Version != version && (version != "" || !v.Current) {
			continue
		}
		if v.Source == soundBuiltIn {
			return builtInSound(lang, id)
		}
		file, err := os.ReadFile(soundFile(s.folder, lang, id, v.Version))
		if err != nil {
			return nil, fmt.Errorf("read the prompt %s/%s: %w", lang, id, err)
		}
		return file, nil
	}
	return nil, contact.Errorf(contact.NotFound, "no such version of the prompt %s/%s is kept", lang, id)
}

// List implements api.Prompts.
func (s *promptShelf) List(ctx context.Context) ([]api.PromptSummary, error) {
	present, uses := s.now(), s.uses()
	numbers := s.numbers(present)
	list := []api.PromptSummary{}
	add := func(id string, languages ...string) {
		one := api.PromptSummary{ID: id, Number: numbers[id], Languages: []api.PromptVersion{}, Missing: []string{}, Flows: append([]string{}, uses[id]...)}
		for _, lang := range languages {
			if _, _, ok := present.Sound(id, lang); !ok {
				one.Missing = append(one.Missing, lang)
				continue
			}
			versions, err := s.Versions(ctx, lang, id)
			if err != nil {
				s.warn(err)
				continue
			}
			if i := slices.IndexFunc(versions, func(v api.PromptVersion) bool { return v.Current }); i >= 0 {
				one.Languages = append(one.Languages, versions[i])
			}
		}
		list = append(list, one)
	}
	for _, id := range present.IDs() {
		add(id, ivr.Languages()...)
	}
	for _, id := range present.MusicIDs() {
		add(id, ivr.MusicLanguage)
	}
	return list, nil
}

// firstOwnNumber is where the numbers of prompts begin that are not built in.
const firstOwnNumber = 500

// numbers gives every spoken prompt a number for people to name it by: built-in
// ones by their names, the house's own from 500 by their age.
func (s *promptShelf) numbers(present *ivr.Prompts) map[string]int {
	n := map[string]int{}
	for i, id := range s.base.IDs() {
		n[id] = i + 1
	}
	type own struct{ id, since string }
	var list []own
	for _, id := range present.IDs() {
		if n[id] != 0 {
			continue
		}
		since := ""
		for _, lang := range ivr.Languages() {
			if e, err := s.entries(lang, id); err == nil && len(e) > 0 && (since == "" || e[0].At < since) {
				since = e[0].At
			}
		}
		list = append(list, own{id, since})
	}
	slices.SortFunc(list, func(a, b own) int { return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.id, b.id)) })
	for i, o := range list {
		n[o.id] = firstOwnNumber + i
	}
	return n
}

// readLines reads a log of one JSON value a line; a line that a crash cut off
// is left out. A file that is not there is empty.
func readLines[T any](file string) ([]T, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []T
	for line := range bytes.Lines(text) {
		var one T
		if json.Unmarshal(line, &one) == nil {
			list = append(list, one)
		}
	}
	return list, nil
}

// appendLine adds one JSON value to a log.
func appendLine(file string, x any) error {
	line, err := json.Marshal(x)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}
